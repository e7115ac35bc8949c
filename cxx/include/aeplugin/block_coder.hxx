#ifndef AEPLUGIN_BLOCK_CODER_HXX
#define AEPLUGIN_BLOCK_CODER_HXX

#include <aeplugin/layout.hxx>
#include <aeplugin/metadata.hxx>
#include <aeplugin/model.hxx>
#include <aeplugin/table.hxx>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace aeplugin {

class GroupCoder;
struct GroupSpecial;
namespace codecs {
class AutoregressiveCodec;
}

/// Integers as they are stored, 1, 2 or 4 bytes each.
using Integers = std::variant<std::vector<std::uint8_t>, std::vector<std::uint16_t>, std::vector<std::uint32_t>>;

/// The fields that every RNTuple of blocks has.
constexpr char kEventsField[] = "events";
constexpr char kChecksumsField[] = "checksums";
constexpr char kSpecialField[] = "special";

/// A field of integers in the RNTuple of blocks.
struct StoredField {
   std::string fName;
   unsigned fBytes; ///< 1, 2 or 4 per integer
};

/// A block as it is stored: one entry of the RNTuple "aeplugin_blocks". Columns that are kept as they are stand beside
/// it in the RNTuple of events.
struct StoredBlock {
   std::uint32_t fEvents = 0;
   std::vector<std::uint32_t> fChecksums; ///< one CRC-32 per column of the original table
   std::vector<std::uint8_t> fSpecial;    ///< exact values, and integers that need more bits than their stream has
   std::vector<Integers> fIntegers;       ///< as BlockCoder::Fields()
};

/// Encodes blocks of events and decodes them. Safe to use from several threads.
class BlockCoder {
public:
   /// \param model needed where a group is stored by an autoencoder or a density
   /// \throws ModelError where the model lacks a collection or a density, or does not fit the layout
   BlockCoder(Layout layout, const Model &model, const std::string &instructionSet = "");
   /// The coder of a part of a file. \throws see Metadata::GetLayout; CorruptionError where the model does not fit
   static BlockCoder OfPart(const Metadata &part, const Model &model, const std::string &where);
   ~BlockCoder();
   BlockCoder(BlockCoder &&) noexcept;

   const Layout &GetLayout() const { return fLayout; }
   const std::vector<StoredField> &Fields() const { return fFields; }
   /// The fields, as positions in Fields(), that decoding some columns of the schema takes.
   std::vector<std::size_t> FieldsFor(const std::vector<std::size_t> &columns) const;

   /// Encodes a block and decodes it again, to prove every value; adds to `summaries`, one per column of the schema.
   /// \throws InputError where columns of a group differ in the number of objects, naming event and columns
   StoredBlock Encode(const TableBlock &block, std::vector<QuantiserSummary> &summaries) const;

   /// Decodes the columns asked for (indices in the schema) into `block`. Those that are kept as they are must stand
   /// there already; the checksums of all are compared. Only the fields that are needed must be filled.
   /// \throws CorruptionError where checksums differ or sizes do not fit
   void Decode(const StoredBlock &stored, const std::vector<std::size_t> &columns, TableBlock &block,
               const std::string &where) const;

private:
   /// For each group, for each column of it, whether it is among columns of the schema.
   std::vector<std::vector<bool>> Wanted(const std::vector<std::size_t> &columns) const;
   /// For each group, for each stream of it, whether columns need it.
   std::vector<std::vector<bool>> NeededStreams(const std::vector<std::vector<bool>> &wanted) const;
   /// Decodes the columns of groups that are wanted.
   void DecodeGroups(const StoredBlock &stored, std::vector<GroupSpecial> &specials,
                     const std::vector<std::vector<bool>> &wanted, TableBlock &block) const;
   /// \throws CorruptionError unless every value comes back within its tolerance
   void Prove(const StoredBlock &stored, const TableBlock &block) const;

   Layout fLayout;
   std::vector<std::unique_ptr<GroupCoder>> fGroups;
   std::unique_ptr<codecs::AutoregressiveCodec> fDensity; ///< of all groups of that codec; null where there are none
   std::vector<StoredField> fFields;
};

} // namespace aeplugin

#endif
