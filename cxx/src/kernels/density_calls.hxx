#ifndef AEPLUGIN_KERNELS_DENSITY_CALLS_HXX
#define AEPLUGIN_KERNELS_DENSITY_CALLS_HXX

#include "aligned.hxx"

#include <aeplugin/density.hxx>
#include <aeplugin/quantiser.hxx>

#include <cstddef>
#include <cstdint>
#include <vector>

// What a density computes for many rows at once (docs/format.md, "Frequencies"). Values stand in planes: all rows of
// the first feature, then all rows of the second; so lanes are rows, and no row depends on another.
namespace aeplugin::kernels {

/// Rows from one plane to the next: padded, and an odd number of cache lines, because planes whose distance is a power
/// of two would compete for the same few places in the cache.
constexpr std::size_t PlaneStride(std::size_t rows)
{
   return ((rows + kAlign - 1) / kAlign | 1) * kAlign;
}

/// Raw features beyond this, once scaled, count as this.
constexpr float kLargestInput = 16;

/// What a network is given of one raw feature: raw * factor + offset, product and sum rounded one by one, within
/// +-kLargestInput; 0 for a NaN. The number of rows is a multiple of kAlign.
using InputsFunction = void (*)(const float *raw, std::size_t rows, float factor, float offset, float *inputs);

/// One dense layer on planes: y[o][r] = activation(bias[o] + sum over i of x[i][r] * weight[o][i]), summed in the order
/// of i. All strides and the number of rows are multiples of kAlign.
struct ColumnsCall {
   const float *fIn; ///< inputs x fInStride
   std::size_t fInStride;
   const float *fWeights; ///< as PackColumns gives them
   const float *fBiases;  ///< outputs
   std::size_t fInputs;
   std::size_t fOutputs;
   Activation fActivation; ///< linear, relu or leaky relu
   float *fOut;            ///< outputs x fOutStride
   std::size_t fOutStride;
   std::size_t fRows;
};

/// Outputs that are computed together, of `left` that are to come: fours, and threes where ones or twos would be left,
/// which would wait for their own sums.
constexpr std::size_t ColumnsGroup(std::size_t left)
{
   return left == 4 || left == 7 || left == 8 || left > 9 ? 4 : left < 3 ? left : 3;
}

/// The weights of a layer (outputs x inputs) in the order in which the kernels read them, whatever the instruction set.
AlignedFloats PackColumns(const std::vector<float> &weights, std::size_t inputs, std::size_t outputs);

/// All frequencies of a variable add up to 2^kTotalBits.
constexpr unsigned kTotalBits = 24;
/// Frequency of the escape, which stands above all others.
constexpr std::int32_t kEscapeFrequency = 256;
constexpr std::int32_t kEscapeStart = (std::int32_t{1} << kTotalBits) - kEscapeFrequency;

/// What a row has: 0 <= symbol < range is the integer first + symbol, range + i is atom i, all else is the escape.
using Symbol = std::int32_t;
constexpr Symbol kEscapeSymbol = -1;

/// Of a variable: atoms, and integers from `first` on whose logarithm of the odds is near to linear in slices.
struct SlicesShape {
   std::size_t fAtoms = 0;  ///< up to 1023
   Grid fFirst = 0;         ///< within +-2^30
   std::int32_t fRange = 0; ///< up to 16384; 0 only where there are atoms
   float fMiddle = 0;       ///< finite
   float fSpread = 1;       ///< finite, above 0
   float fInverse = 1;      ///< 1 / fSpread
   std::size_t fSlices = 0; ///< 1 to kMostSlices where there is a range

   /// Between which the density of a slice is linear.
   constexpr std::size_t Knots() const { return fSlices + 1; }
   constexpr std::size_t Categories() const { return fAtoms == 0 ? 0 : fAtoms + (fRange > 0 ? 1 : 0); }
   /// Planes that the network gives: logits of categories; then, where there is a range, m, t and b of each knot.
   constexpr std::size_t Outputs() const { return Categories() + (fRange > 0 ? 2 + Knots() : 0); }
};

/// What all integers of a row need to know, in planes.
struct SlicesPlanes {
   SlicesShape fShape;
   std::size_t fStride = 0;
   std::int32_t *fStarts = nullptr; ///< of each category; that of the range is plane fAtoms
   std::int32_t *fLimits = nullptr; ///< how many integers the range of the row has
   std::int32_t *fSums = nullptr;   ///< a plane per slice: weights of those before
   float *fKnots = nullptr;         ///< a plane per knot: weight per slice there, half of it
   float *fCentre = nullptr;
   float *fSteepness = nullptr;
   std::int32_t *fLowest = nullptr; ///< t of the first integer
   float *fPerSlice = nullptr;      ///< slices per unit of t
   float *fRatio = nullptr;         ///< frequency per unit of weight
};

/// Owns them; to be used again and again.
class SlicesTables {
public:
   explicit SlicesTables(std::size_t rows) : fStride(PlaneStride(rows)) {}
   SlicesTables(const SlicesShape &shape, std::size_t rows) : SlicesTables(rows) { Reshape(shape); }

   /// Makes them those of another variable; what they held is lost.
   void Reshape(const SlicesShape &shape);
   const SlicesPlanes &Planes() const { return fPlanes; }

private:
   std::size_t fStride;
   AlignedInts fInts;
   AlignedFloats fFloats;
   SlicesPlanes fPlanes;
};

/// Symbols that the decoder takes at a time: one for each state of the entropy coder.
constexpr std::size_t kDecodedRows = 8;

/// Numbers of rows are multiples of kAlign (those beyond the last may hold anything that is initialised), up to the
/// number that the tables were made for.
struct SlicesKernels {
   /// From the outputs of the network, `fShape.Outputs()` planes of `stride`, whatever they are: all are brought into
   /// ranges where nothing overflows, to whose lower end NaNs go.
   /// \param limits how many integers the range of each row has, 1 to its own number; null where all have as many
   void (*fPrepare)(const float *outputs, std::size_t stride, std::size_t rows, const std::int32_t *limits,
                    const SlicesPlanes &);
   /// The places [start, start + frequency) of the rows' symbols; that of the escape for integers beyond the limit of
   /// their row.
   void (*fEncode)(const SlicesPlanes &, const Symbol *symbols, std::size_t rows, std::uint32_t *starts,
                   std::uint32_t *frequencies);
   /// The symbols of kDecodedRows rows from `row` on (a multiple of kDecodedRows) in whose places the slots are (each
   /// below 2^kTotalBits), and those places.
   void (*fDecode)(const SlicesPlanes &, std::size_t row, const std::uint32_t *slots, Symbol *symbols,
                   std::uint32_t *starts, std::uint32_t *frequencies);
};

} // namespace aeplugin::kernels

#endif
