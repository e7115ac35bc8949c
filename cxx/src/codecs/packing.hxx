#ifndef AEPLUGIN_CODEC_PACKING_HXX
#define AEPLUGIN_CODEC_PACKING_HXX

#include "codec.hxx"

#include <cstdint>
#include <string>
#include <vector>

/// How integers go into the bytes of fields, as differences to a prediction (docs/format.md, "Streams"): few bits share
/// a byte, and of many bits the eight highest, which compress, stand apart from the lower ones, which do not.
namespace aeplugin::codecs {

/// The fields that a stream of some bits fills: NAME, and NAME_low for more than 8 bits (else a name without bytes).
struct StreamFields {
   unsigned fTopBits;  ///< in NAME: at most 8
   unsigned fLowBits;  ///< in NAME_low
   unsigned fLowBytes; ///< per integer of NAME_low: 1, 2, 4, or 0 where there is none
};
StreamFields FieldsOf(const Packing &packing);

/// \param predicted as many as there are integers in `grid`
/// \param sentinels number of sentinels that the column may have
PackedStream Pack(const std::vector<Grid> &grid, const std::vector<Grid> &predicted, std::size_t sentinels,
                  const Packing &packing);

/// \throws CorruptionError where the fields are not of the size that `predicted` has, or marks and wide integers do not
/// fit, or an integer leads off the grid
void Unpack(const PackedStream &stream, const std::vector<Grid> &predicted, std::size_t sentinels,
            const Packing &packing, std::vector<Grid> &grid);

/// A packing into which all but one in a thousand differences fit.
Packing ChoosePacking(const std::vector<Grid> &grid, const std::vector<Grid> &predicted, std::size_t sentinels);

} // namespace aeplugin::codecs

#endif
