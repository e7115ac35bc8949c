#include "bytes.hxx"

#include <array>

namespace aeplugin {
namespace {

constexpr std::array<std::uint32_t, 256> MakeTable()
{
   std::array<std::uint32_t, 256> table{};
   for (std::uint32_t byte = 0; byte < 256; ++byte) {
      std::uint32_t crc = byte;
      for (int bit = 0; bit < 8; ++bit)
         crc = (crc >> 1) ^ ((crc & 1) ? 0xEDB88320u : 0u);
      table[byte] = crc;
   }
   return table;
}

} // namespace

std::uint32_t Crc32(const char *data, std::size_t size)
{
   static constexpr auto kTable = MakeTable();
   std::uint32_t crc = 0xFFFFFFFFu;
   for (std::size_t i = 0; i < size; ++i)
      crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(data[i])) & 0xFFu];
   return ~crc;
}

} // namespace aeplugin
