#include "evaluator.hxx"

#include "../floating_point_scope.hxx"

#include <algorithm>

namespace aeplugin::density {
namespace {

constexpr std::size_t kStride = kernels::PlaneStride(kMostRows);

} // namespace

Networks::Networks(const PreparedDensity &density)
{
   const FloatingPointScope scope;
   for (const DensityVariable &variable : density.Get().fVariables) {
      PackedVariable packed{{},
                            {variable.fAtoms.size(), variable.fFirst >> variable.fShift,
                             static_cast<std::int32_t>(variable.fRange), variable.fMiddle, variable.fSpread,
                             1 / variable.fSpread, variable.Slices()},
                            variable.fFeatures.size()};
      for (const Layer &layer : variable.fNetwork) {
         packed.fLayers.push_back({kernels::PackColumns(layer.fWeights, layer.fInputs, layer.fOutputs), layer.fBiases,
                                   layer.fInputs, layer.fOutputs, layer.fActivation});
         packed.fWidest = std::max<std::size_t>(packed.fWidest, layer.fOutputs);
      }
      fVariables.push_back(std::move(packed));
   }
}

Evaluator::Evaluator(const PreparedDensity &density, const Networks &networks)
   : fDensity(density), fNetworks(networks), fKernels(kernels::GetKernels(density.InstructionSet())), fTables(kMostRows)
{
   std::size_t widest = 0;
   for (std::size_t i = 0; i < density.Variables(); ++i)
      widest = std::max(widest, networks[i].fWidest);
   for (kernels::AlignedFloats &planes : fPlanes)
      planes = kernels::AlignedFloats(widest * kStride);
}

void Evaluator::FillInputs(const Rows &rows, float *inputs) const
{
   const auto &features = fDensity.Variable(rows.fVariable).fFeatures;
   for (std::size_t f = 0; f < features.size(); ++f)
      fKernels.fInputs(rows.fFeatures + f * rows.fStride, kernels::PaddedWidth(rows.fRows), features[f].fFactor,
                       features[f].fOffset, inputs + f * kStride);
}

const kernels::SlicesPlanes &Evaluator::Evaluate(const Rows &rows)
{
   const Networks::PackedVariable &variable = fNetworks[rows.fVariable];
   fTables.Reshape(variable.fShape);
   const std::size_t padded = kernels::PaddedWidth(rows.fRows);
   const float *in = fPlanes[0].data();
   FillInputs(rows, fPlanes[0].data());
   std::size_t next = 1;
   for (const Networks::PackedLayer &layer : variable.fLayers) {
      float *out = fPlanes[next].data();
      fKernels.fColumns({in, kStride, layer.fWeights.data(), layer.fBiases.data(), layer.fInputs, layer.fOutputs,
                         layer.fActivation, out, kStride, padded});
      in = out;
      next = 1 - next;
   }
   fKernels.fSlices.fPrepare(in, kStride, padded, rows.fLimits, fTables.Planes());
   return fTables.Planes();
}

} // namespace aeplugin::density
