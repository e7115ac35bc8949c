#ifndef AEPLUGIN_NATIVE_ENGINE_HXX
#define AEPLUGIN_NATIVE_ENGINE_HXX

#include "kernels/kernels.hxx"
#include "normaliser.hxx"

#include <aeplugin/engine.hxx>

#include <vector>

namespace aeplugin {

enum class Half { kEncoder, kDecoder };

/// One half of an autoencoder on the reference kernels. An object's result does not depend on the batch it is in.
class NativeEngine final : public Engine {
public:
   NativeEngine(const CollectionModel &model, Half half, const kernels::KernelSet &kernels);

   std::size_t Inputs() const override { return fInputs; }
   std::size_t Outputs() const override { return fOutputs; }
   void Run(const float *in, std::size_t n, float *out) const override;

   /// A decoder without its last step: latents, and the label where there is one, to features. Safe to call from
   /// several threads, as Run.
   void RunToFeatures(const float *in, std::size_t n, float *out) const;
   const Normaliser &GetNormaliser() const { return fNormaliser; }

private:
   struct PackedLayer {
      std::size_t fInputs;
      std::size_t fOutputs;             ///< padded
      kernels::MapFunction fActivation; ///< none where linear
      kernels::AlignedFloats fWeights;  ///< packed in panels (kernels.hxx)
      kernels::AlignedFloats fBiases;   ///< padded
      std::vector<float> fGains;        ///< of layer norm; none without
      std::vector<float> fShifts;
   };
   /// Results of a network, in memory of the thread: rows that begin fStride floats apart.
   struct Activations {
      const float *fFirst;
      std::size_t fStride;
   };

   PackedLayer Pack(const Layer &layer) const;
   Activations RunNetwork(const float *in, std::size_t rows) const;
   void FillInputs(const float *in, std::size_t rows, float *inputs) const;
   void RunLayer(const PackedLayer &layer, const Activations &in, std::size_t rows, float *out) const;

   const kernels::KernelSet &fKernels;
   Half fHalf;
   Normaliser fNormaliser;
   std::vector<PackedLayer> fLayers;
   bool fHasLabel;
   std::vector<float> fCategories; ///< of the label, where this network is told it
   std::size_t fInputs;
   std::size_t fOutputs;
   std::size_t fStride = 0; ///< padded width of the widest layer
};

} // namespace aeplugin

#endif
