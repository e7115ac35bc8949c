#ifndef AEPLUGIN_MODEL_HXX
#define AEPLUGIN_MODEL_HXX

#include <aeplugin/density.hxx>
#include <aeplugin/error.hxx>
#include <aeplugin/network.hxx>
#include <aeplugin/rules.hxx>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace aeplugin {

/// How the values of a column enter a network: standardised = (transform(x) - mean) / scale.
enum class Transform : std::uint8_t {
   kLinear = 0,   ///< x
   kLog10 = 1,    ///< log10(factor x + offset)
   kQuantile = 2, ///< piecewise linear between knots, and beyond them with the slopes at the ends
   kCircle = 3,   ///< two features: cos(x - mean) and sin(x - mean)
   kLabel = 4     ///< none: an integer that the network is told, which passes through
};

/// Which networks are told the label of an object, after their other inputs: a one for its category, else zeros.
enum class Condition : std::uint8_t { kNone = 0, kEncoder = 1, kDecoder = 2, kBoth = 3 };

/// One variable of a collection and its normalisation.
struct ModelColumn {
   std::string fVariable; ///< "pt"
   std::string fColumn;   ///< its column in the file, "Jet_pt"
   Transform fTransform = Transform::kLinear;
   float fMean = 0;
   float fScale = 1;
   float fFactor = 1; ///< of Transform::kLog10
   float fOffset = 0;
   std::vector<float> fKnots;         ///< of Transform::kQuantile: values, increasing
   std::vector<float> fKnotsTo;       ///< what they are mapped to, increasing
   std::vector<std::int32_t> fLabels; ///< of Transform::kLabel: its categories, increasing

   /// How many inputs of the network it is: 1, or 2 of a circle, or 0 of a label.
   std::size_t Features() const;
};

/// \throws ModelError where a normalisation is none, or a name that of no column
void ValidateColumns(const std::vector<ModelColumn> &columns, const std::string &where);

/// The autoencoder of one collection: standardised columns -> latents -> standardised columns. A label, the last column
/// where there is one, passes by the networks: it stands among the columns and, as the last one, among the latents.
struct CollectionModel {
   std::string fName; ///< "Jet"
   std::vector<ModelColumn> fColumns;
   Network fEncoder;
   Network fDecoder;
   Condition fCondition = Condition::kNone;

   /// What the encoder's network gives: the latents without the label.
   std::size_t Latents() const { return fEncoder.empty() ? 0 : fEncoder.back().fOutputs; }
   std::size_t Features() const; ///< the numbers that the columns are in the networks
   bool HasLabel() const;
   std::vector<std::string> ColumnNames() const; ///< the columns in the file
   std::vector<std::string> LatentNames() const; ///< "Jet_latent_0", ..., "Jet_latent_kind" for the label
   /// \throws ModelError where layers, columns or weights do not fit together
   void Validate(const std::string &where = "model") const;
};

/// A model: recipe, what the recipe means for the compressor, training summary, the autoencoders that were trained, at
/// most one per collection, and a density of whole events where one was. docs/model-file.md specifies its file, which
/// holds numbers and text only, so that loading one from a stranger is safe.
struct Model {
   std::string fRecipe;   ///< YAML text
   Rules fRules;          ///< the recipe, every pattern resolved
   std::string fTraining; ///< JSON text: losses, seed, versions
   std::vector<CollectionModel> fCollections;
   std::optional<Density> fDensity;

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
   /// The density; \throws ModelError where there is none
   const Density &GetDensity() const;
   /// \throws ModelError for a collection that stands twice or is invalid; RecipeError for rules that are
   void Validate(const std::string &where = "model") const;
};

} // namespace aeplugin

#endif
