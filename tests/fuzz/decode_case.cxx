#include "decode_case.hxx"

#include "bytes.hxx"

#include <aeplugin/quantiser.hxx>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace fuzz {
namespace {

using namespace aeplugin;

class Writer {
public:
   template <typename T>
   void Add(const T &value)
   {
      if constexpr (std::is_arithmetic_v<T>) {
         fOut.Value(value);
      } else {
         fOut.Value(static_cast<std::uint16_t>(value.size()));
         for (const auto &item : value)
            Add(item);
      }
   }
   std::string Take() { return fOut.Take(); }

private:
   ByteWriter fOut;
};

class Reader {
public:
   explicit Reader(const std::string &bytes) : fBytes(bytes) {}

   template <typename T>
   void Read(T &value)
   {
      if constexpr (std::is_arithmetic_v<T>) {
         value = {};
         const std::size_t size = std::min(sizeof value, fBytes.size() - fNext);
         std::memcpy(&value, fBytes.data() + fNext, size);
         fNext += size;
      } else {
         std::uint16_t size = 0;
         Read(size);
         value.clear();
         for (std::uint16_t i = 0; i < size && fNext < fBytes.size(); ++i) {
            typename T::value_type item{};
            Read(item);
            value.push_back(std::move(item));
         }
      }
   }

private:
   const std::string &fBytes;
   std::size_t fNext = 0;
};

/// Each compressed column by itself, because the first checksum that is wrong ends the decoding of all.
bool DecodeColumns(const BlockCoder &coder, const StoredBlock &block)
{
   bool well = true;
   for (const Group &group : coder.GetLayout().fGroups)
      for (const CompressedColumn &column : group.fColumns)
         try {
            TableBlock decoded;
            coder.Decode(block, {column.fColumn}, decoded, "fuzz");
         } catch (const Error &) {
            well = false;
         }
   return well;
}

/// The quantiser on integers that no checksum has seen.
void DecodeGrid(const Layout &layout, const std::vector<std::uint8_t> &bytes)
{
   std::vector<Grid> grid(bytes.size() / sizeof(Grid));
   if (!grid.empty())
      std::memcpy(grid.data(), bytes.data(), grid.size() * sizeof(Grid));
   const std::vector<std::uint64_t> exact(static_cast<std::size_t>(std::count(grid.begin(), grid.end(), kExactMark)),
                                          0x7ff8000000000001);
   for (const Group &group : layout.fGroups)
      for (const CompressedColumn &column : group.fColumns) {
         if (column.fTolerance.fKind == ToleranceKind::kExact)
            continue; // integers that are themselves
         const ColumnType type = layout.fSchema[column.fColumn].fType;
         const Quantiser quantiser(column.fTolerance, type, column.fSentinels);
         std::vector<float> floats(grid.size());
         std::vector<double> doubles(grid.size());
         try {
            if (type == ColumnType::kFloat32)
               quantiser.Decode(grid.data(), grid.size(), exact, floats.data());
            else
               quantiser.Decode(grid.data(), grid.size(), exact, doubles.data());
         } catch (const Error &) {
         }
      }
}

} // namespace

std::string ToBytes(const Case &parts)
{
   Writer out;
   Metadata::ForEachField(parts.fMetadata, [&](const char *, const auto &member) { out.Add(member); });
   out.Add(parts.fBlock.fEvents);
   out.Add(parts.fBlock.fChecksums);
   out.Add(parts.fBlock.fSpecial);
   out.Add(static_cast<std::uint16_t>(parts.fBlock.fIntegers.size()));
   for (const auto &field : parts.fBlock.fIntegers) {
      out.Add(static_cast<std::uint8_t>(field.index()));
      std::visit([&](const auto &values) { out.Add(values); }, field);
   }
   return out.Take();
}

Case FromBytes(const std::string &bytes)
{
   Case parts;
   Reader in(bytes);
   Metadata::ForEachField(parts.fMetadata, [&](const char *, auto &member) { in.Read(member); });
   in.Read(parts.fBlock.fEvents);
   in.Read(parts.fBlock.fChecksums);
   in.Read(parts.fBlock.fSpecial);
   std::uint16_t fields = 0;
   in.Read(fields);
   for (std::uint16_t i = 0; i < fields; ++i) {
      std::uint8_t type = 0;
      in.Read(type);
      Integers field;
      if (type % 3 == 1)
         field = std::vector<std::uint16_t>();
      else if (type % 3 == 2)
         field = std::vector<std::uint32_t>();
      std::visit([&](auto &values) { in.Read(values); }, field);
      parts.fBlock.fIntegers.push_back(std::move(field));
   }
   return parts;
}

std::string WithChecksums(std::string model)
{
   constexpr std::size_t kFirstSection = 16;
   constexpr std::size_t kHead = 16; // tag, checksum, size
   for (std::size_t at = kFirstSection; at + kHead <= model.size();) {
      std::uint64_t size = 0;
      std::memcpy(&size, model.data() + at + 8, sizeof size);
      if (size > model.size() - at - kHead)
         break;
      const std::uint32_t crc = Crc32(model.data() + at + kHead, size);
      std::memcpy(model.data() + at + 4, &crc, sizeof crc);
      at += kHead + size;
   }
   return model;
}

bool Decode(const Case &parts)
{
   const Metadata &metadata = parts.fMetadata;
   bool well = true;
   try {
      metadata.Check("fuzz");
   } catch (const Error &) {
      well = false;
   }
   Model model;
   if (!metadata.fModel.empty())
      try {
         model = Model::FromBytes(WithChecksums({metadata.fModel.begin(), metadata.fModel.end()}), "fuzz");
      } catch (const Error &) {
         well = false;
      }
   const BlockCoder coder(metadata.GetLayout("fuzz"), model);
   StoredBlock block = parts.fBlock;
   block.fIntegers.resize(coder.Fields().size()); // as a reader of files has them
   DecodeGrid(coder.GetLayout(), block.fSpecial);
   return DecodeColumns(coder, block) && well;
}

} // namespace fuzz
