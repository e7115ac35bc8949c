#ifndef AEPLUGIN_KERNELS_KERNEL_SET_HXX
#define AEPLUGIN_KERNELS_KERNEL_SET_HXX

#include "columns.hxx"
#include "elementary.hxx"
#include "elementary_double.hxx"
#include "kernels.hxx"
#include "quantise.hxx"
#include "slices.hxx"

#include <cstring>
#include <type_traits>

// The kernels, written once for any instruction set. Everything is in an anonymous namespace: the translation units
// are compiled for different CPUs, and no inline function of one may stand in for that of another.
namespace aeplugin::kernels {
namespace {

/// `Rows` rows times `Vectors` vectors of outputs, accumulated in registers.
template <typename L, std::size_t Rows, std::size_t Vectors>
inline void Tile(const float *in, std::size_t inStride, const float *weights, std::size_t weightStride,
                 const float *biases, std::size_t inputs, float *out, std::size_t outStride)
{
   typename L::Floats sums[Rows][Vectors];
   for (std::size_t v = 0; v < Vectors; ++v)
      for (std::size_t r = 0; r < Rows; ++r)
         sums[r][v] = Load<L>(biases + v * L::kLanes);
   for (std::size_t i = 0; i < inputs; ++i) {
      typename L::Floats weight[Vectors];
      for (std::size_t v = 0; v < Vectors; ++v)
         weight[v] = Load<L>(weights + i * weightStride + v * L::kLanes);
      for (std::size_t r = 0; r < Rows; ++r) {
         const auto x = Splat<L>(in[r * inStride + i]);
         for (std::size_t v = 0; v < Vectors; ++v)
            sums[r][v] = L::Fma(x, weight[v], sums[r][v]);
      }
   }
   for (std::size_t r = 0; r < Rows; ++r)
      for (std::size_t v = 0; v < Vectors; ++v)
         Store<L>(out + r * outStride + v * L::kLanes, sums[r][v]);
}

/// All rows of `call` for `Vectors` vectors of outputs from `output` on, in tiles of at most L::kTileRows rows.
template <typename L, std::size_t Vectors>
inline void Rows(const DenseCall &call, const float *weights, std::size_t weightStride, std::size_t output)
{
   const auto tile = [&](auto rows, std::size_t row) {
      Tile<L, decltype(rows)::value, Vectors>(call.fIn + row * call.fInStride, call.fInStride, weights, weightStride,
                                              call.fBiases + output, call.fInputs,
                                              call.fOut + row * call.fOutStride + output, call.fOutStride);
   };
   std::size_t row = 0;
   for (; row + L::kTileRows <= call.fRows; row += L::kTileRows)
      tile(std::integral_constant<std::size_t, L::kTileRows>{}, row);
   switch (call.fRows - row) {
   case 5:
      tile(std::integral_constant<std::size_t, 5>{}, row);
      break;
   case 4:
      tile(std::integral_constant<std::size_t, 4>{}, row);
      break;
   case 3:
      tile(std::integral_constant<std::size_t, 3>{}, row);
      break;
   case 2:
      tile(std::integral_constant<std::size_t, 2>{}, row);
      break;
   case 1:
      tile(std::integral_constant<std::size_t, 1>{}, row);
      break;
   default:
      break;
   }
}

/// A panel from `output` on, `Vectors` vectors of outputs at a time, then half as many and so on: the wider the tile,
/// the less it waits for its own sums.
template <typename L, std::size_t Vectors>
inline void Panel(const DenseCall &call, const float *weights, std::size_t width, std::size_t output, std::size_t end)
{
   for (; output + Vectors * L::kLanes <= end; output += Vectors * L::kLanes, weights += Vectors * L::kLanes)
      Rows<L, Vectors>(call, weights, width, output);
   if constexpr (Vectors > 1)
      Panel<L, Vectors / 2>(call, weights, width, output, end);
}

template <typename L>
void Dense(const DenseCall &call)
{
   static_assert(L::kTileRows <= 6, "Rows() covers rests of up to five rows");
   for (std::size_t panel = 0; panel < call.fOutputs; panel += kPanel) {
      const std::size_t width = call.fOutputs - panel < kPanel ? call.fOutputs - panel : kPanel;
      Panel<L, L::kTileVectors>(call, call.fWeights + panel * call.fInputs, width, panel, panel + width);
   }
}

template <typename L, typename L::Floats (*Function)(typename L::Floats)>
void Map(float *values, std::size_t n)
{
   for (std::size_t i = 0; i < n; i += L::kLanes)
      Store<L>(values + i, Function(Load<L>(values + i)));
}

template <typename L, typename L::Doubles (*Function)(typename L::Doubles)>
void MapDoubles(double *values, std::size_t n)
{
   for (std::size_t i = 0; i < n; i += L::kDoubles) {
      typename L::Doubles x;
      std::memcpy(&x, values + i, sizeof x);
      x = Function(x);
      std::memcpy(values + i, &x, sizeof x);
   }
}

template <typename L>
void MapAtan2(const double *y, double *x, std::size_t n)
{
   for (std::size_t i = 0; i < n; i += L::kDoubles) {
      typename L::Doubles height;
      typename L::Doubles width;
      std::memcpy(&height, y + i, sizeof height);
      std::memcpy(&width, x + i, sizeof width);
      width = Atan2<L>(height, width);
      std::memcpy(x + i, &width, sizeof width);
   }
}

template <typename L>
constexpr DoubleKernels MakeDoubleKernels()
{
   return {MapDoubles<L, L::Sqrt>, MapDoubles<L, Exp<L>>, MapDoubles<L, Log<L>>,
           MapDoubles<L, Sin<L>>,  MapDoubles<L, Cos<L>>, MapDoubles<L, Sinh<L>>,
           MapDoubles<L, Cosh<L>>, MapDoubles<L, Abs<L>>, MapAtan2<L>};
}

/// \param decodeSlices of lanes of which kDecodedRows are a whole number of vectors
template <typename L>
constexpr KernelSet MakeKernelSet(decltype(SlicesKernels::fDecode) decodeSlices = DecodeSlices<L>)
{
   return {Dense<L>,
           Map<L, Tanh<L>>,
           Map<L, Log10<L>>,
           Map<L, Exp10<L>>,
           Map<L, Relu<L>>,
           Map<L, LeakyRelu<L>>,
           Map<L, Elu<L>>,
           Map<L, Silu<L>>,
           Map<L, Gelu<L>>,
           Map<L, Sigma<L>>,
           MakeDoubleKernels<L>(),
           {Encode<L, float>, Encode<L, double>, Decode<L, float>, Decode<L, double>, Nearest<L>},
           Inputs<L>,
           Columns<L>,
           {PrepareSlices<L>, EncodeSlices<L>, decodeSlices}};
}

} // namespace
} // namespace aeplugin::kernels

#endif
