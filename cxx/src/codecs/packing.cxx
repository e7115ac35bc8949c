#include "packing.hxx"

#include <aeplugin/error.hxx>

#include <algorithm>

namespace aeplugin::codecs {
namespace {

constexpr unsigned kTopBits = 8;
constexpr std::size_t kTolerableWide = 1000; ///< one in as many differences need not fit

/// Codes are the integers that are stored: 0 for an exact value, then one for each sentinel, then one for an integer
/// that does not fit, then the differences from the offset on.
struct Codes {
   Codes(std::size_t sentinels, const Packing &packing)
      : fWide(static_cast<std::uint32_t>(sentinels) + 1), fShift(std::int64_t{fWide} + 1 - packing.fOffset),
        fEnd(std::int64_t{1} << packing.fBits)
   {
   }

   std::uint32_t fWide;
   std::int64_t fShift; ///< code = difference + shift
   std::int64_t fEnd;   ///< codes are below
};

/// How many integers of so many bits share a byte.
std::size_t PerByte(unsigned bits)
{
   return bits <= 4 ? 8 / bits : 1;
}

std::vector<std::uint8_t> ToBytes(const std::vector<std::uint32_t> &codes, unsigned shift, unsigned bits)
{
   const std::size_t perByte = PerByte(bits);
   const std::uint32_t mask = (std::uint32_t{1} << bits) - 1;
   std::vector<std::uint8_t> bytes((codes.size() + perByte - 1) / perByte);
   if (perByte == 1)
      for (std::size_t i = 0; i < codes.size(); ++i)
         bytes[i] = static_cast<std::uint8_t>((codes[i] >> shift) & mask);
   else
      for (std::size_t i = 0; i < codes.size(); ++i)
         bytes[i / perByte] = static_cast<std::uint8_t>(
            bytes[i / perByte] | (((codes[i] >> shift) & mask) << (bits * static_cast<unsigned>(i % perByte))));
   return bytes;
}

/// Adds what ToBytes took to codes.
template <typename T>
void FromBytes(const std::vector<T> &stored, unsigned shift, unsigned bits, std::vector<std::uint32_t> &codes)
{
   const std::size_t perByte = PerByte(bits);
   if (stored.size() != (codes.size() + perByte - 1) / perByte)
      throw CorruptionError("a field has " + std::to_string(stored.size()) + " items for " +
                            std::to_string(codes.size()) + " integers");
   const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
   for (std::size_t i = 0; i < codes.size(); ++i) {
      const auto code = (std::uint64_t{stored[i / perByte]} >> (perByte == 1 ? 0 : bits * (i % perByte))) & mask;
      codes[i] |= static_cast<std::uint32_t>(code << shift);
   }
}

Integers ToLow(const std::vector<std::uint32_t> &codes, const StreamFields &fields)
{
   const std::uint32_t mask = (std::uint32_t{1} << fields.fLowBits) - 1;
   const auto cut = [&](auto stored) -> Integers {
      for (std::size_t i = 0; i < codes.size(); ++i)
         stored[i] = static_cast<typename decltype(stored)::value_type>(codes[i] & mask);
      return stored;
   };
   switch (fields.fLowBytes) {
   case 0:
      return {};
   case 1:
      return ToBytes(codes, 0, fields.fLowBits);
   case 2:
      return cut(std::vector<std::uint16_t>(codes.size()));
   default:
      return cut(std::vector<std::uint32_t>(codes.size()));
   }
}

} // namespace

StreamFields FieldsOf(const Packing &packing)
{
   if (packing.fBits <= kTopBits)
      return {packing.fBits, 0, 0};
   const unsigned low = packing.fBits - kTopBits;
   return {kTopBits, low, low <= 8 ? 1U : low <= 16 ? 2U : 4U};
}

PackedStream Pack(const std::vector<Grid> &grid, const std::vector<Grid> &predicted, std::size_t sentinels,
                  const Packing &packing)
{
   const Codes codes(sentinels, packing);
   PackedStream stream;
   std::vector<std::uint32_t> stored(grid.size());
   for (std::size_t i = 0; i < grid.size(); ++i) {
      const std::int64_t code = std::int64_t{grid[i]} - predicted[i] + codes.fShift;
      if (IsMark(grid[i])) {
         stored[i] = static_cast<std::uint32_t>(std::int64_t{grid[i]} - kExactMark);
      } else if (code > codes.fWide && code < codes.fEnd) {
         stored[i] = static_cast<std::uint32_t>(code);
      } else {
         stored[i] = codes.fWide;
         stream.fWide.push_back(grid[i]);
      }
   }
   const StreamFields fields = FieldsOf(packing);
   stream.fTop = ToBytes(stored, fields.fLowBits, fields.fTopBits);
   stream.fLow = ToLow(stored, fields);
   return stream;
}

void Unpack(const PackedStream &stream, const std::vector<Grid> &predicted, std::size_t sentinels,
            const Packing &packing, std::vector<Grid> &grid)
{
   const Codes codes(sentinels, packing);
   const StreamFields fields = FieldsOf(packing);
   std::vector<std::uint32_t> stored(predicted.size());
   FromBytes(stream.fTop, fields.fLowBits, fields.fTopBits, stored);
   if (fields.fLowBytes > 0)
      std::visit([&](const auto &low) { FromBytes(low, 0, fields.fLowBits, stored); }, stream.fLow);
   std::size_t nextWide = 0;
   grid.resize(predicted.size());
   for (std::size_t i = 0; i < stored.size(); ++i) {
      const std::int64_t sum = std::int64_t{stored[i]} - codes.fShift + predicted[i];
      if (stored[i] > codes.fWide) {
         if (sum < -kGridLimit || sum > kGridLimit)
            throw CorruptionError("an integer leads off the grid");
         grid[i] = static_cast<Grid>(sum);
      } else if (stored[i] < codes.fWide) {
         grid[i] = static_cast<Grid>(kExactMark + static_cast<std::int64_t>(stored[i]));
      } else if (nextWide < stream.fWide.size()) {
         grid[i] = stream.fWide[nextWide++];
         if (!IsOnGrid(grid[i]))
            throw CorruptionError("a wide integer is off the grid");
      } else {
         throw CorruptionError("there are fewer wide integers than marks of them");
      }
   }
   if (nextWide != stream.fWide.size())
      throw CorruptionError("there are more wide integers than marks of them");
}

Packing ChoosePacking(const std::vector<Grid> &grid, const std::vector<Grid> &predicted, std::size_t sentinels)
{
   std::vector<std::int64_t> differences;
   for (std::size_t i = 0; i < grid.size(); ++i)
      if (!IsMark(grid[i]))
         differences.push_back(std::int64_t{grid[i]} - predicted[i]);
   if (differences.empty())
      return {};
   std::sort(differences.begin(), differences.end());
   const std::size_t beyond = differences.size() / kTolerableWide / 2; // on either side
   const std::int64_t lowest = differences[beyond];
   const std::int64_t highest = differences[differences.size() - 1 - beyond];
   const auto used = highest - lowest + 1 + static_cast<std::int64_t>(sentinels) + 2;
   unsigned bits = 1;
   while (bits < kMaxPackingBits && (std::int64_t{1} << bits) < used)
      ++bits;
   // What is left of the codes goes to both ends, for what the sample does not show.
   const std::int64_t left = std::max<std::int64_t>((std::int64_t{1} << bits) - used, 0);
   const std::int64_t offset = std::clamp<std::int64_t>(lowest - left / 2, -2LL * kGridLimit, 2LL * kGridLimit);
   return {static_cast<Grid>(offset), bits};
}

} // namespace aeplugin::codecs
