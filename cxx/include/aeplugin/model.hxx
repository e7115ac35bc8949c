#ifndef AEPLUGIN_MODEL_HXX
#define AEPLUGIN_MODEL_HXX

#include <aeplugin/error.hxx>
#include <aeplugin/rules.hxx>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace aeplugin {

enum class Activation : std::uint8_t { kLinear = 0, kTanh = 1 };

/// What happens to a value before it is standardised.
enum class Transform : std::uint8_t { kLinear = 0, kLog10 = 1 };

/// A dense layer: out = activation(weights . in + biases).
struct Layer {
   std::uint32_t fInputs = 0;
   std::uint32_t fOutputs = 0;
   Activation fActivation = Activation::kLinear;
   std::vector<float> fWeights; ///< outputs x inputs, row by row, as torch.nn.Linear keeps them
   std::vector<float> fBiases;  ///< outputs
};

using Network = std::vector<Layer>;

/// One variable of a collection and its normalisation: standardised = (transform(x) - mean) / scale.
struct ModelColumn {
   std::string fVariable; ///< "pt"
   std::string fColumn;   ///< its column in the file, "Jet_pt"
   Transform fTransform = Transform::kLinear;
   float fMean = 0;
   float fScale = 1;
};

/// The autoencoder of one collection: standardised columns -> latents -> standardised columns.
struct CollectionModel {
   std::string fName; ///< "Jet"
   std::vector<ModelColumn> fColumns;
   Network fEncoder;
   Network fDecoder;

   std::size_t Latents() const { return fEncoder.empty() ? 0 : fEncoder.back().fOutputs; }
   std::vector<std::string> ColumnNames() const; ///< the columns in the file
   std::vector<std::string> LatentNames() const; ///< "Jet_latent_0", ...
   /// \throws ModelError where layers, columns or weights do not fit together
   void Validate(const std::string &where = "model") const;
};

/// A model: recipe, what the recipe means for the compressor, training summary and the autoencoders that were trained,
/// at most one per collection. docs/model-file.md specifies its file, which holds numbers and text only, so that
/// loading one from a stranger is safe.
struct Model {
   std::string fRecipe;   ///< YAML text
   Rules fRules;          ///< the recipe, every pattern resolved
   std::string fTraining; ///< JSON text: losses, seed, versions
   std::vector<CollectionModel> fCollections;

   /// \throws InputError for a missing file; ModelError for one that is no model or holds an impossible one;
   /// CompatibilityError for a newer version; CorruptionError for a damaged one
   static Model FromFile(const std::string &path);
   /// The same for the bytes of a file; `where` names them in errors.
   static Model FromBytes(const std::string &bytes, const std::string &where = "model");

   std::string ToBytes() const;
   /// Writes the model under a temporary name and renames it when complete.
   void Save(const std::string &path) const;

   /// The model of a collection; \throws ModelError naming those there are
   const CollectionModel &Collection(const std::string &name) const;
   /// \throws ModelError for a collection that stands twice or is invalid; RecipeError for rules that are
   void Validate(const std::string &where = "model") const;
};

} // namespace aeplugin

#endif
