#ifndef AEPLUGIN_CODEC_HXX
#define AEPLUGIN_CODEC_HXX

#include <aeplugin/block_coder.hxx>
#include <aeplugin/layout.hxx>
#include <aeplugin/model.hxx>
#include <aeplugin/quantiser.hxx>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// Codecs turn the grid integers of a group into integers that compress well, and back, without loss.
namespace aeplugin::codecs {

/// The grid integers of a group in a block: [column][object], marks of special values among them.
using GroupGrids = std::vector<std::vector<Grid>>;

/// All integers of a group in a block.
struct GroupIntegers {
   std::vector<Grid> fCounts; ///< of the objects per event; empty where values are single
   GroupGrids fGrids;
};

/// The number of objects that a group has in each event; empty for values that are single.
/// \throws InputError where its columns differ in that, naming event and columns
std::vector<Grid> CountObjects(const Group &group, const TableSchema &schema, const TableBlock &block);

/// The bytes of a stream of integers.
struct PackedStream {
   std::vector<std::uint8_t> fTop;
   Integers fLow;
   std::vector<Grid> fWide; ///< integers that do not fit, in order
};

/// A stream as it is called and packed.
struct StreamSpec {
   std::string fName;
   Packing fPacking;
};

/// A group and what turns its values into grid integers: one quantiser per column of the group.
struct CodecInput {
   Group fGroup;
   std::vector<Quantiser> fQuantisers;
};

class Codec {
public:
   virtual ~Codec() = default;
   /// The streams: one for each column of the group, called as in `columnNames`, then those of the codec itself.
   virtual std::vector<StreamSpec> Streams(const std::vector<std::string> &columnNames) const = 0;
   virtual std::vector<PackedStream> Encode(const GroupGrids &grids) const = 0;
   /// Which streams the columns that are `wanted` (one flag per column of the group) are decoded from.
   virtual std::vector<bool> Needs(const std::vector<bool> &wanted) const = 0;
   /// Fills the columns that are wanted, and those that they are predicted from.
   /// \throws CorruptionError for streams that no encoder writes
   virtual void Decode(const std::vector<PackedStream> &streams, std::size_t objects, const std::vector<bool> &wanted,
                       GroupGrids &grids) const = 0;
};

/// \throws ModelError where an autoencoder is needed that the model lacks or that does not fit
std::unique_ptr<Codec> MakeCodec(const CodecInput &input, const Model &model, const std::string &instructionSet);

} // namespace aeplugin::codecs

#endif
