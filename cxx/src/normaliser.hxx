#ifndef AEPLUGIN_NORMALISER_HXX
#define AEPLUGIN_NORMALISER_HXX

#include "kernels/kernels.hxx"

#include <aeplugin/model.hxx>

#include <cstddef>
#include <vector>

namespace aeplugin {

/// Columns in the units of the file <-> features, which networks see; a label is passed over. On the reference kernels:
/// the same bits on every machine and in every batch.
class Normaliser {
public:
   /// \param columns valid ones, see ValidateColumns
   Normaliser(std::vector<ModelColumn> columns, const kernels::KernelSet &kernels);

   std::size_t Features() const { return fFeatures; }
   /// Rows begin `inStride` and `outStride` floats apart.
   void Standardise(const float *in, std::size_t inStride, std::size_t rows, float *out, std::size_t outStride) const;
   /// The reverse, without the label.
   void Restore(const float *in, std::size_t inStride, std::size_t rows, float *out, std::size_t outStride) const;
   /// Whether all values of an object are finite and have a logarithm where one is taken.
   bool IsInDomain(const float *object) const;

private:
   std::vector<ModelColumn> fColumns;
   const kernels::KernelSet &fKernels;
   std::size_t fFeatures = 0;
};

} // namespace aeplugin

#endif
