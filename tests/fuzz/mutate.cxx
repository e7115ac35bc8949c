#include "mutate.hxx"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace fuzz {
namespace {

constexpr std::size_t kLongestPiece = 64;

std::size_t Below(std::size_t end, std::mt19937_64 &random)
{
   return end == 0 ? 0 : static_cast<std::size_t>(random() % end);
}

/// Integers at which arithmetic overflows, in 1, 2, 4 or 8 bytes.
void PutExtreme(std::string &bytes, std::mt19937_64 &random)
{
   static constexpr std::uint64_t kExtremes[] = {0,          1,          0x7f,       0x80,       0xff,       0x7fff,
                                                 0xffff,     0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, 0xffffffff,
                                                 1ULL << 61, 1ULL << 62, 1ULL << 63, UINT64_MAX};
   const std::uint64_t value = kExtremes[random() % std::size(kExtremes)];
   const std::size_t size = std::size_t{1} << random() % 4;
   if (bytes.size() >= size)
      std::memcpy(bytes.data() + Below(bytes.size() - size + 1, random), &value, size);
}

void MutateOnce(std::string &bytes, const std::string &other, std::mt19937_64 &random)
{
   const std::size_t at = Below(bytes.size(), random);
   const std::size_t length = std::min(1 + Below(kLongestPiece, random), bytes.size() - at);
   switch (random() % 8) {
   case 0:
   case 1:
      if (!bytes.empty())
         bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
      break;
   case 2:
      if (!bytes.empty())
         bytes[at] = static_cast<char>(random());
      break;
   case 3:
   case 4:
      PutExtreme(bytes, random);
      break;
   case 5:
      bytes.erase(at, random() % 8 == 0 ? bytes.size() : length);
      break;
   case 6:
      bytes.insert(at, bytes.substr(at, length));
      break;
   default: {
      const std::size_t from = Below(other.size(), random);
      bytes.replace(at, length, other.substr(from, length));
   }
   }
}

} // namespace

std::string Mutate(std::string bytes, const std::string &other, std::mt19937_64 &random)
{
   // One place most of the time: damage in many is refused at the first.
   const std::size_t places = std::size_t{1} << (random() % 8 < 5 ? 0 : random() % 5);
   for (std::size_t i = 0; i < places; ++i)
      MutateOnce(bytes, other, random);
   return bytes;
}

} // namespace fuzz
