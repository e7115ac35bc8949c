#include "bytes.hxx"

#include <array>

namespace aeplugin {
namespace {

constexpr std::size_t kBytesAtOnce = 8;

/// [k][byte]: what a byte with k zero bytes after it contributes, so that eight bytes take eight independent look-ups.
using Tables = std::array<std::array<std::uint32_t, 256>, kBytesAtOnce>;

constexpr Tables MakeTables()
{
   Tables tables{};
   for (std::uint32_t byte = 0; byte < 256; ++byte) {
      std::uint32_t crc = byte;
      for (int bit = 0; bit < 8; ++bit)
         crc = (crc >> 1) ^ ((crc & 1) ? 0xEDB88320u : 0u);
      tables[0][byte] = crc;
   }
   for (std::size_t k = 1; k < kBytesAtOnce; ++k)
      for (std::size_t byte = 0; byte < 256; ++byte)
         tables[k][byte] = (tables[k - 1][byte] >> 8) ^ tables[0][tables[k - 1][byte] & 0xFFu];
   return tables;
}

} // namespace

std::uint32_t Crc32(const void *data, std::size_t size, std::uint32_t crc)
{
   static constexpr Tables kTables = MakeTables();
   const auto *next = static_cast<const unsigned char *>(data);
   crc = ~crc;
   for (; size >= kBytesAtOnce; size -= kBytesAtOnce, next += kBytesAtOnce) {
      std::uint64_t bytes;
      std::memcpy(&bytes, next, sizeof bytes);
      bytes ^= crc;
      crc = 0;
      for (std::size_t k = 0; k < kBytesAtOnce; ++k)
         crc ^= kTables[kBytesAtOnce - 1 - k][(bytes >> (8 * k)) & 0xFFu];
   }
   for (; size > 0; --size, ++next)
      crc = (crc >> 8) ^ kTables[0][(crc ^ *next) & 0xFFu];
   return ~crc;
}

} // namespace aeplugin
