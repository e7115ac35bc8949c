#ifndef AEPLUGIN_GROUP_CODER_HXX
#define AEPLUGIN_GROUP_CODER_HXX

#include "bytes.hxx"
#include "codecs/codec.hxx"
#include "column_coder.hxx"

#include <aeplugin/block_coder.hxx>

#include <memory>
#include <string>
#include <vector>

namespace aeplugin {

/// What a block keeps of a group beside its fields.
struct GroupSpecial {
   std::vector<std::vector<std::uint64_t>> fExact; ///< per column
   std::vector<std::vector<Grid>> fWide;           ///< per stream, that of the counts first
};

/// What encodes and decodes one group: codec, grids, and where its fields stand in a stored block. Of a group that a
/// density codes together with others it does all but the coding.
class GroupCoder {
public:
   /// Where the bytes of a stream stand in StoredBlock::fIntegers.
   struct Place {
      std::size_t fTop;
      std::size_t fLow; ///< kNone where there are no such bytes
   };
   static constexpr std::size_t kNone = SIZE_MAX;

   /// \throws ModelError where an autoencoder is needed that the model lacks or that does not fit
   GroupCoder(const Layout &layout, const Group &group, const Model &model, const std::string &instructionSet);

   const Group &GetGroup() const { return fGroup; }
   /// Whether its streams are those of a density.
   bool IsJoint() const { return !fCodec; }
   /// Those of the counts first, where there are any.
   const std::vector<codecs::StreamSpec> &Streams() const { return fStreams; }
   const std::vector<Place> &Places() const { return fPlaces; }
   void AddPlace(const Place &place) { fPlaces.push_back(place); }

   /// For each column of the group whether it is among columns of the schema.
   std::vector<bool> Wanted(const std::vector<std::size_t> &columns) const;
   /// For each stream whether the columns that are wanted need it; not of a joint group.
   std::vector<bool> NeededStreams(const std::vector<bool> &wanted) const;

   /// The integers of a block; sets the checksums of its columns, and their exact values in `special`.
   codecs::GroupIntegers Quantise(const TableSchema &schema, const TableBlock &block, StoredBlock &stored,
                                  ByteWriter &special, std::vector<QuantiserSummary> &summaries) const;
   /// The streams of integers; not of a joint group.
   std::vector<codecs::PackedStream> Encode(const codecs::GroupIntegers &integers) const;
   void Store(std::vector<codecs::PackedStream> streams, StoredBlock &stored, ByteWriter &special) const;

   GroupSpecial ReadSpecial(ByteReader &in) const;
   /// The streams that are needed.
   std::vector<codecs::PackedStream> Load(const StoredBlock &stored, GroupSpecial &special,
                                          const std::vector<bool> &needed) const;
   /// The integers of the columns that are wanted; not of a joint group.
   codecs::GroupIntegers Decode(std::vector<codecs::PackedStream> streams, std::size_t events,
                                const std::vector<bool> &wanted) const;
   /// The columns that are wanted. \throws CorruptionError where checksums or sizes are wrong
   void Restore(const codecs::GroupIntegers &integers, const GroupSpecial &special, const std::vector<bool> &wanted,
                const StoredBlock &stored, TableBlock &block) const;

private:
   bool HasCounts() const { return !fGroup.fSingle; }

   Group fGroup;
   std::vector<ColumnCoder> fColumns;
   std::vector<std::size_t> fArraySizes;  ///< per column; 0 for one that is no array
   std::unique_ptr<codecs::Codec> fCodec; ///< none in a joint group
   std::vector<codecs::StreamSpec> fStreams;
   std::vector<Place> fPlaces; ///< per stream
};

} // namespace aeplugin

#endif
