#ifndef AEPLUGIN_DENSITY_EVALUATOR_HXX
#define AEPLUGIN_DENSITY_EVALUATOR_HXX

#include "../kernels/kernels.hxx"
#include "walk.hxx"

#include <memory>
#include <vector>

namespace aeplugin::density {

/// The networks of a density, packed once. Safe to use from several threads.
class Networks {
public:
   explicit Networks(const PreparedDensity &density);

   struct PackedLayer {
      kernels::AlignedFloats fWeights;
      std::vector<float> fBiases;
      std::size_t fInputs;
      std::size_t fOutputs;
      Activation fActivation;
   };
   struct PackedVariable {
      std::vector<PackedLayer> fLayers;
      kernels::SlicesShape fShape;
      std::size_t fWidest; ///< of features and layers
   };
   const PackedVariable &operator[](std::size_t i) const { return fVariables[i]; }

private:
   std::vector<PackedVariable> fVariables;
};

/// Evaluates the networks for rows; one per thread.
class Evaluator {
public:
   Evaluator(const PreparedDensity &density, const Networks &networks);

   const PreparedDensity &Density() const { return fDensity; }
   const kernels::SlicesKernels &Kernels() const { return fKernels.fSlices; }
   /// What the probabilities of the rows' integers are made of, until the next call.
   const kernels::SlicesPlanes &Evaluate(const Rows &rows);

private:
   void FillInputs(const Rows &rows, float *inputs) const;

   const PreparedDensity &fDensity;
   const Networks &fNetworks;
   const kernels::KernelSet &fKernels;
   kernels::AlignedFloats fPlanes[2]; ///< inputs of a layer and its outputs
   kernels::SlicesTables fTables;     ///< of the variable that was evaluated last
};

} // namespace aeplugin::density

#endif
