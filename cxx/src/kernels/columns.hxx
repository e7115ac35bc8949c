#ifndef AEPLUGIN_KERNELS_COLUMNS_HXX
#define AEPLUGIN_KERNELS_COLUMNS_HXX

#include "density_calls.hxx"
#include "elementary.hxx"

#include <cstddef>
#include <type_traits>

// Networks on planes (see density_calls.hxx).
namespace aeplugin::kernels {
namespace {

template <typename L>
void Inputs(const float *raw, std::size_t rows, float factor, float offset, float *inputs)
{
   for (std::size_t row = 0; row < rows; row += L::kLanes) {
      const auto value = Load<L>(raw + row) * factor + offset;
      const auto within = L::Min(L::Max(value, Splat<L>(-kLargestInput)), Splat<L>(kLargestInput));
      Store<L>(inputs + row, value == value ? within : Splat<L>(0));
   }
}

struct Linear {
   template <typename L>
   static typename L::Floats Of(typename L::Floats x)
   {
      return x;
   }
};

struct Rectified {
   template <typename L>
   static typename L::Floats Of(typename L::Floats x)
   {
      return Relu<L>(x);
   }
};

struct LeakyRectified {
   template <typename L>
   static typename L::Floats Of(typename L::Floats x)
   {
      return LeakyRelu<L>(x);
   }
};

/// `Outputs` outputs of `Vectors` vectors of rows from `row` on, accumulated in registers.
template <typename L, typename Activated, std::size_t Outputs, std::size_t Vectors>
inline void ColumnsTile(const ColumnsCall &call, std::size_t row, std::size_t output)
{
   typename L::Floats sums[Outputs][Vectors];
   for (std::size_t o = 0; o < Outputs; ++o)
      for (std::size_t v = 0; v < Vectors; ++v)
         sums[o][v] = Splat<L>(call.fBiases[output + o]);
   const float *in = call.fIn + row;
   const float *weights = call.fWeights + output * call.fInputs;
   for (std::size_t i = 0; i < call.fInputs; ++i, in += call.fInStride, weights += Outputs) {
      typename L::Floats x[Vectors];
      for (std::size_t v = 0; v < Vectors; ++v)
         x[v] = Load<L>(in + v * L::kLanes);
      for (std::size_t o = 0; o < Outputs; ++o) {
         const auto weight = Splat<L>(weights[o]);
         for (std::size_t v = 0; v < Vectors; ++v)
            sums[o][v] = L::Fma(x[v], weight, sums[o][v]);
      }
   }
   for (std::size_t o = 0; o < Outputs; ++o)
      for (std::size_t v = 0; v < Vectors; ++v)
         Store<L>(call.fOut + (output + o) * call.fOutStride + row + v * L::kLanes,
                  Activated::template Of<L>(sums[o][v]));
}

/// All outputs of `Vectors` vectors of rows.
template <typename L, typename Activated, std::size_t Vectors>
inline void ColumnsOfRows(const ColumnsCall &call, std::size_t row)
{
   for (std::size_t output = 0, group = 0; output < call.fOutputs; output += group) {
      group = ColumnsGroup(call.fOutputs - output);
      switch (group) {
      case 4:
         ColumnsTile<L, Activated, 4, Vectors>(call, row, output);
         break;
      case 3:
         ColumnsTile<L, Activated, 3, Vectors>(call, row, output);
         break;
      case 2:
         ColumnsTile<L, Activated, 2, Vectors>(call, row, output);
         break;
      default:
         ColumnsTile<L, Activated, 1, Vectors>(call, row, output);
         break;
      }
   }
}

/// Vectors of the next tile, of `left` that are to come: as many as the registers take, and none of one vector, which
/// would wait for its own sums, where that can be avoided.
constexpr std::size_t ColumnsVectors(std::size_t left, std::size_t most)
{
   return left == most + 1 ? (left + 1) / 2 : left < most ? left : most;
}

template <typename L, typename Activated>
void ActivatedColumns(const ColumnsCall &call)
{
   static_assert(L::kColumnsVectors <= 4, "the cases below");
   for (std::size_t row = 0, vectors = 0; row < call.fRows; row += vectors * L::kLanes) {
      vectors = ColumnsVectors((call.fRows - row) / L::kLanes, L::kColumnsVectors);
      switch (vectors) {
      case 4:
         ColumnsOfRows<L, Activated, 4>(call, row);
         break;
      case 3:
         ColumnsOfRows<L, Activated, 3>(call, row);
         break;
      case 2:
         ColumnsOfRows<L, Activated, 2>(call, row);
         break;
      default:
         ColumnsOfRows<L, Activated, 1>(call, row);
         break;
      }
   }
}

template <typename L>
void Columns(const ColumnsCall &call)
{
   switch (call.fActivation) {
   case Activation::kRelu:
      ActivatedColumns<L, Rectified>(call);
      break;
   case Activation::kLeakyRelu:
      ActivatedColumns<L, LeakyRectified>(call);
      break;
   default:
      ActivatedColumns<L, Linear>(call);
      break;
   }
}

} // namespace
} // namespace aeplugin::kernels

#endif
