#ifndef AEPLUGIN_ENGINE_HXX
#define AEPLUGIN_ENGINE_HXX

#include <aeplugin/model.hxx>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace aeplugin {

/// Runs one half of an autoencoder in the units of the file: an encoder takes column values and gives latents, a
/// decoder takes latents and gives column values. Normalisation is part of it.
class Engine {
public:
   virtual ~Engine() = default;
   virtual std::size_t Inputs() const = 0;
   virtual std::size_t Outputs() const = 0;

   /// Runs `n` objects: `in` is n x Inputs(), `out` is n x Outputs(), row by row. Safe to call from several threads.
   virtual void Run(const float *in, std::size_t n, float *out) const = 0;
};

enum class EngineKind {
   kNative, ///< the reference kernels: the default, the fastest, the same bits everywhere
   kOnnx,   ///< ONNX Runtime, loaded at run time from $AEPLUGIN_ONNXRUNTIME or the system's library path
   kTorch   ///< LibTorch, through libaeplugin_torch from $AEPLUGIN_TORCH or the system's library path
};

/// "native", "onnx" or "torch". \throws ModelError for any other name
EngineKind ParseEngineKind(const std::string &name);

class Scorer;

/// Encoder and decoder of one collection.
struct Autoencoder {
   CollectionModel fModel;
   std::shared_ptr<const Engine> fEncoder;
   std::shared_ptr<const Engine> fDecoder;
   std::shared_ptr<const Scorer> fScorer; ///< what ReconstructionErrors() runs

   /// How unlike what the network was trained on objects are: for each the mean over its features of
   /// (decoded - given)^2, both standardised. NaN for an object with a value that is not finite, or has no logarithm
   /// where the model takes one. `in` is n x columns, row by row. Always on the reference kernels, summed in the order
   /// of the columns: the same bits on every machine and in every batch. Safe to call from several threads.
   void ReconstructionErrors(const float *in, std::size_t n, float *errors) const;
};

/// The score of events: the mean of the errors of their objects, added in their order in double precision; 0 for an
/// event without objects. Event i has objects offsets[i] to offsets[i + 1].
void EventScores(const float *errors, const std::uint64_t *offsets, std::size_t events, float *scores);

/// An autoencoder on the reference kernels; `instructionSet` is "avx512", "avx2", "generic" or empty for the best.
/// \throws ModelError where the model is invalid; CompatibilityError for an instruction set that this CPU has not
Autoencoder MakeAutoencoder(const CollectionModel &model, const std::string &instructionSet = "");

/// Opens a model file. The engines kOnnx and kTorch run the networks that `aeplugin export` wrote beside it
/// (jets.model -> jets.Jet.encoder.onnx, jets.Jet.decoder.pt ...).
/// \param collection may be empty where the model has only one
/// \throws see Model::FromFile; ModelError where the exported networks are missing or do not fit the model;
/// CompatibilityError where the engine's library is missing
Autoencoder OpenAutoencoder(const std::string &modelPath, const std::string &collection = "",
                            EngineKind kind = EngineKind::kNative);

} // namespace aeplugin

#endif
