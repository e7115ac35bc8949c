#ifndef AEPLUGIN_LAYOUT_HXX
#define AEPLUGIN_LAYOUT_HXX

#include <aeplugin/rules.hxx>
#include <aeplugin/table.hxx>

#include <cstddef>
#include <string>
#include <vector>

namespace aeplugin {

/// How a stream of integers goes into bytes: those from `fOffset` on, in `fBits` bits each.
struct Packing {
   Grid fOffset = 0;
   unsigned fBits = 8; ///< 1 to kMaxPackingBits
};
constexpr unsigned kMaxPackingBits = 32;

/// A column that is stored as grid integers.
struct CompressedColumn {
   std::size_t fColumn = 0; ///< index in Layout::fSchema
   std::string fVariable;   ///< its name in formulas
   Tolerance fTolerance;
   std::vector<double> fSentinels;
   std::string fFormula; ///< predicts it from others of its group; empty for none
   Packing fPacking;
};

/// One of the numbers that an autoencoder stores per object.
struct QuantisedLatent {
   float fStep = 0; ///< latent = integer * step
   Packing fPacking;
};

/// Columns with as many values in an event as each other, stored by one codec.
struct Group {
   std::string fName;
   bool fSingle = false; ///< one value per event
   CodecKind fCodec = CodecKind::kPlain;
   Packing fCounts; ///< of the objects per event, where the values are not single
   std::vector<CompressedColumn> fColumns;
   std::vector<QuantisedLatent> fLatents; ///< of CodecKind::kAutoencoder
};

/// How the events of a table are stored: what a reader must know, and all that the tolerances leave open.
struct Layout {
   TableSchema fSchema;
   std::vector<Group> fGroups;

   /// Whether a column is stored as it is.
   bool IsKept(std::size_t column) const;
   /// \throws CorruptionError where the parts contradict each other or a number is out of range
   void Validate(const std::string &where) const;
};

} // namespace aeplugin

#endif
