#ifndef AEPLUGIN_RULES_HXX
#define AEPLUGIN_RULES_HXX

#include <aeplugin/quantiser.hxx>

#include <cstdint>
#include <string>
#include <vector>

namespace aeplugin {

enum class CodecKind : std::uint8_t {
   kPlain = 0,          ///< the grid integers, as they are or as differences to a formula
   kAutoencoder = 1,    ///< quantised latents, and differences to what they decode to
   kAutoregressive = 2, ///< each integer by its probability given those before, by the density of a model
   kAuto = 255          ///< in rules only: whatever needs the fewest bits
};

/// "plain", "autoencoder", "autoregressive" or "auto". \throws RecipeError for any other name
CodecKind ParseCodecKind(const std::string &name);
std::string CodecName(CodecKind codec);

/// What becomes of one column. Columns without a rule are kept exactly.
struct ColumnRule {
   std::string fVariable; ///< its name in formulas: "pt"
   std::string fColumn;   ///< in the file: "Jet_pt"
   Tolerance fTolerance;
   std::vector<double> fSentinels;
   std::string fFormula; ///< predicts the column from others of its collection; empty for none
};

/// What becomes of columns that have as many values in an event as each other.
struct CollectionRule {
   std::string fName;
   CodecKind fCodec = CodecKind::kAuto;
   std::vector<ColumnRule> fColumns;
};

/// A recipe for the compressor: every name is that of a column, patterns are resolved.
struct Rules {
   std::vector<CollectionRule> fCollections; ///< columns outside collections are collections of one
   std::vector<std::string> fDropped;        ///< columns that do not go into the file

   /// \throws RecipeError for a column that stands twice, formulas in a circle or of unknown variables, tolerances
   /// that are none
   void Validate(const std::string &where = "recipe") const;
};

} // namespace aeplugin

#endif
