#ifndef AEPLUGIN_KERNELS_HXX
#define AEPLUGIN_KERNELS_HXX

#include "aligned.hxx"
#include "density_calls.hxx"

#include <aeplugin/quantiser.hxx>

#include <cstddef>
#include <string>
#include <vector>

/// The reference kernels: one fixed order of operations per value, so that every instruction set, batch size and thread
/// count gives the same bits (docs/architecture.md, "Reference kernels"). Networks run in float32 with explicit fused
/// multiply-add, the quantiser and formulas in float64 with plain products and sums.
namespace aeplugin::kernels {

/// Weights are packed in panels of this many outputs: inputs x kPanel floats, one after the other.
constexpr std::size_t kPanel = 64;
/// One dense layer: y[r][o] = bias[o] + sum over i of x[r][i] * weight[i][o], summed in the order of i.
struct DenseCall {
   const float *fIn; ///< rows x fInStride
   std::size_t fInStride;
   const float *fWeights; ///< packed in panels
   const float *fBiases;  ///< padded
   std::size_t fInputs;
   std::size_t fOutputs; ///< padded
   float *fOut;          ///< rows x fOutStride
   std::size_t fOutStride;
   std::size_t fRows;
};

/// The grid of a tolerance (docs/format.md, "Grid integers").
struct GridScale {
   bool fRelative;
   double fTolerance;
   double fStep;    ///< distance of grid points, in x (abs) or ln |x| (rel)
   double fFloor;   ///< rel: the grid integer of |x| is round(ln |x| / step) - floor, above 0; zero is 0
   double fLargest; ///< grid integer: kGridLimit or, for rel, that of 2^128
};

/// The quantiser on `n` values, a multiple of kAlign. kExactMark stands for every value that is not on the grid.
struct QuantiserKernels {
   /// The grid point `shift` steps from the nearest where it is within the tolerance; the largest error of those, in
   /// the tolerance's measure, goes to `maxError` where it is larger. \return whether there is a kExactMark
   bool (*fEncodeFloats)(const GridScale &, const float *values, std::size_t n, double shift, Grid *, double &maxError);
   bool (*fEncodeDoubles)(const GridScale &, const double *values, std::size_t n, double shift, Grid *,
                          double &maxError);
   /// Marks give arbitrary values.
   void (*fDecodeFloats)(const GridScale &, const Grid *, std::size_t n, float *values);
   void (*fDecodeDoubles)(const GridScale &, const Grid *, std::size_t n, double *values);
   void (*fNearest)(const GridScale &, const double *values, std::size_t n, Grid *); ///< unchecked
};

/// Elementary functions in double precision, in place; `n` is a multiple of kAlign.
struct DoubleKernels {
   using Function = void (*)(double *values, std::size_t n);

   Function fSqrt;
   Function fExp;
   Function fLog;
   Function fSin; ///< arguments beyond +-1e5 count as +-1e5
   Function fCos; ///< likewise
   Function fSinh;
   Function fCosh;
   Function fAbs;
   void (*fAtan2)(const double *y, double *x, std::size_t n); ///< the angles of points, into `x`
};

/// An elementary function on values in place.
using MapFunction = void (*)(float *values, std::size_t n);

/// The kernels of one instruction set. The elementary functions work in place; `n` is a multiple of kAlign.
struct KernelSet {
   void (*fDense)(const DenseCall &);
   MapFunction fTanh;
   MapFunction fLog10; ///< what is below the smallest normal float counts as that
   MapFunction fExp10; ///< overflows to infinity, underflows to zero
   MapFunction fRelu;
   MapFunction fLeakyRelu;
   MapFunction fElu;
   MapFunction fSilu;
   MapFunction fGelu;
   MapFunction fSigma; ///< 1 / (1 + e^-x), arguments being brought into +-30
   DoubleKernels fDoubles;
   QuantiserKernels fQuantiser;
   InputsFunction fInputs;
   void (*fColumns)(const ColumnsCall &);
   SlicesKernels fSlices;
};

/// The kernels of an instruction set ("generic", "avx2", "avx512"), or of the best that this CPU has ("").
/// \throws CompatibilityError for one that this CPU or this build does not have
const KernelSet &GetKernels(const std::string &instructionSet = "");

/// Names of the instruction sets that this build and this CPU have, best first.
std::vector<std::string> InstructionSets();

const KernelSet &GenericKernels();
const KernelSet &Avx2Kernels();
const KernelSet &Avx512Kernels();

} // namespace aeplugin::kernels

#endif
