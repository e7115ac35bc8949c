#include "line.hxx"
#include "quote.hxx"

namespace aeplugin::darkmachines::internal {

namespace {

constexpr unsigned char kFirstPrintable = 0x20, kDelete = 0x7f;

/// The length of the well-formed UTF-8 character (no overlong form, no surrogate) at `text`, which is not ASCII; or 0.
std::size_t MultiByteLength(std::string_view text)
{
   const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
   const auto continues = [byte](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
   const unsigned lead = byte(0), second = byte(1);
   if (lead >= 0xC2 && lead <= 0xDF)
      return continues(1) ? 2 : 0;
   if (lead >= 0xE0 && lead <= 0xEF) {
      const bool bad = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F);
      return continues(1) && continues(2) && !bad ? 3 : 0;
   }
   if (lead >= 0xF0 && lead <= 0xF4) {
      const bool bad = (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
      return continues(1) && continues(2) && continues(3) && !bad ? 4 : 0;
   }
   return 0;
}

} // namespace

std::string_view Trim(std::string_view text)
{
   while (!text.empty() && IsBlank(text.front()))
      text.remove_prefix(1);
   while (!text.empty() && IsBlank(text.back()))
      text.remove_suffix(1);
   return text;
}

bool IsProcess(std::string_view process)
{
   if (process.empty())
      return false;
   while (!process.empty()) {
      const auto first = static_cast<unsigned char>(process.front());
      if (first < kFirstPrintable || first == kDelete)
         return false;
      const std::size_t length = first < 0x80 ? 1 : MultiByteLength(process);
      if (length == 0)
         return false;
      process.remove_prefix(length);
   }
   return true;
}

std::string Quote(std::string_view text)
{
   constexpr std::size_t kShown = 40;
   std::string quoted = "'";
   for (const char c : text.substr(0, kShown)) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= kFirstPrintable && byte < kDelete) {
         quoted += c;
      } else {
         constexpr const char *kHex = "0123456789abcdef";
         quoted += {'\\', 'x', kHex[byte / 16], kHex[byte % 16]};
      }
   }
   return quoted + (text.size() > kShown ? "...'" : "'");
}

} // namespace aeplugin::darkmachines::internal
