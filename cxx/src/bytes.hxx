#ifndef AEPLUGIN_BYTES_HXX
#define AEPLUGIN_BYTES_HXX

#include <aeplugin/error.hxx>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

namespace aeplugin {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the formats are little-endian and so is every host so far");

/// CRC-32 (ISO 3309, as zlib's crc32); `crc` continues that of what stood before.
std::uint32_t Crc32(const void *data, std::size_t size, std::uint32_t crc = 0);

/// Appends little-endian values to a string.
class ByteWriter {
public:
   template <typename T>
   void Value(T value)
   {
      static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
      fBytes.append(reinterpret_cast<const char *>(&value), sizeof value);
   }
   void Text(const std::string &text)
   {
      Value(static_cast<std::uint32_t>(text.size()));
      fBytes += text;
   }
   void Floats(const std::vector<float> &values)
   {
      fBytes.append(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float));
   }
   void Raw(const char *data, std::size_t size) { fBytes.append(data, size); }
   std::string Take() { return std::move(fBytes); }

private:
   std::string fBytes;
};

/// Reads them back and never beyond the end: what does not fit is a CorruptionError.
class ByteReader {
public:
   ByteReader(const char *data, std::size_t size, std::string where)
      : fNext(data), fLeft(size), fWhere(std::move(where))
   {
   }

   template <typename T>
   T Value(const char *what)
   {
      static_assert(std::is_arithmetic_v<T>);
      T value;
      std::memcpy(&value, Raw(sizeof value, what), sizeof value);
      return value;
   }
   std::string Text(const char *what)
   {
      const auto size = Value<std::uint32_t>(what);
      return std::string(Raw(size, what), size);
   }
   template <typename T>
   std::vector<T> Values(std::size_t count, const char *what)
   {
      // Raw checks it before anything is allocated; the division keeps the product from overflowing.
      const char *data = Raw(count > SIZE_MAX / sizeof(T) ? SIZE_MAX : count * sizeof(T), what);
      std::vector<T> values(count);
      if (count > 0)
         std::memcpy(values.data(), data, count * sizeof(T));
      return values;
   }
   std::vector<float> Floats(std::size_t count, const char *what) { return Values<float>(count, what); }
   /// Values behind their number as 32 bits.
   template <typename T>
   std::vector<T> List(const char *what)
   {
      return Values<T>(Value<std::uint32_t>(what), what);
   }
   const char *Raw(std::size_t size, const char *what)
   {
      if (size > fLeft)
         throw CorruptionError(fWhere + ": truncated in " + what + ": " + std::to_string(size) + " bytes expected, " +
                               std::to_string(fLeft) + " left");
      const char *data = fNext;
      fNext += size;
      fLeft -= size;
      return data;
   }
   std::size_t Left() const { return fLeft; }
   const char *Peek() const { return fNext; } ///< what is left

private:
   const char *fNext;
   std::size_t fLeft;
   std::string fWhere;
};

/// The enumerator with a code up to that of `last`. \throws CompatibilityError for a larger one
template <typename Enum>
Enum ReadEnum(ByteReader &in, Enum last, const char *what, const std::string &where)
{
   const auto code = in.Value<std::uint8_t>(what);
   if (code > static_cast<std::uint8_t>(last))
      throw CompatibilityError(where + ": unknown " + what + " " + std::to_string(code) +
                               "; a newer aeplugin may read it");
   return static_cast<Enum>(code);
}

/// \throws CorruptionError for more than `most`
inline std::uint32_t ReadCount(ByteReader &in, std::uint32_t most, const char *what, const std::string &where)
{
   const auto count = in.Value<std::uint32_t>(what);
   if (count > most)
      throw CorruptionError(where + ": " + std::to_string(count) + " " + what + "; expected at most " +
                            std::to_string(most));
   return count;
}

} // namespace aeplugin

#endif
