#ifndef AEPLUGIN_KERNELS_HXX
#define AEPLUGIN_KERNELS_HXX

#include <cstddef>
#include <string>
#include <vector>

/// The reference kernels: float32, one fixed order of operations per value with explicit fused multiply-add, so that
/// every instruction set, batch size and thread count gives the same bits (docs/architecture.md, "Reference kernels").
namespace aeplugin::kernels {

/// Weights are packed in panels of this many outputs: inputs x kPanel floats, one after the other.
constexpr std::size_t kPanel = 64;
/// Rows of activations and packed weights are padded to a multiple of this many floats: the widest vector.
constexpr std::size_t kAlign = 16;

constexpr std::size_t PaddedWidth(std::size_t width)
{
   return (width + kAlign - 1) / kAlign * kAlign;
}

/// Floats from a multiple of kAlign of them on: a vector that straddles two cache lines takes twice as long to load.
class AlignedFloats {
public:
   AlignedFloats() = default;
   explicit AlignedFloats(std::size_t size) : fLines((size + kAlign - 1) / kAlign) {}

   std::size_t size() const { return fLines.size() * kAlign; } ///< padded
   float *data() { return fLines.empty() ? nullptr : fLines.front().fFloats; }
   const float *data() const { return fLines.empty() ? nullptr : fLines.front().fFloats; }

private:
   struct alignas(kAlign * sizeof(float)) Line {
      float fFloats[kAlign] = {};
   };
   std::vector<Line> fLines;
};

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

/// The kernels of one instruction set. The elementary functions work in place; `n` is a multiple of kAlign.
struct KernelSet {
   void (*fDense)(const DenseCall &);
   void (*fTanh)(float *values, std::size_t n);
   void (*fLog10)(float *values, std::size_t n); ///< what is below the smallest normal float counts as that
   void (*fExp10)(float *values, std::size_t n); ///< overflows to infinity, underflows to zero
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
