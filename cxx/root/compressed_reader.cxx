#include "compressed_reader.hxx"

#include "columns.hxx"
#include "compressed_tables.hxx"
#include "root_messages.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/rdf/metadata.hxx>

#include <ROOT/RNTupleView.hxx>

#include <algorithm>

namespace aeplugin::rdf {
namespace {

template <typename T>
std::vector<T> ReadVector(ROOT::RNTupleReader &reader, const std::string &field, std::size_t entry)
{
   return reader.GetView<std::vector<T>>(field)(entry);
}

Integers ReadIntegers(ROOT::RNTupleReader &reader, const StoredField &field, std::size_t entry)
{
   switch (field.fBytes) {
   case 1:
      return ReadVector<std::uint8_t>(reader, field.fName, entry);
   case 2:
      return ReadVector<std::uint16_t>(reader, field.fName, entry);
   default:
      return ReadVector<std::uint32_t>(reader, field.fName, entry);
   }
}

/// Whether events of both can be read one after the other.
bool SameColumns(const TableSchema &a, const TableSchema &b)
{
   return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const TableColumn &left, const TableColumn &right) {
      return left.fName == right.fName && left.fTypeName == right.fTypeName;
   });
}

} // namespace

std::shared_ptr<const CompressedFile> CompressedFile::Open(const std::string &path)
{
   std::shared_ptr<CompressedFile> file(new CompressedFile);
   file->fPath = path;
   file->fParts = ReadMetadata(path);
   file->MakeCoders();
   file->ListBlocks();
   return file;
}

void CompressedFile::MakeCoders()
{
   Model model;
   for (const Metadata &part : fParts) {
      if (!part.fModel.empty())
         model = Model::FromBytes(std::string(part.fModel.begin(), part.fModel.end()), fPath);
      fCoders.push_back(BlockCoder::OfPart(part, model, fPath));
      if (part.fTable != Table() || !SameColumns(fCoders.back().GetLayout().fSchema, Schema()))
         throw CorruptionError(fPath + ": its parts have different columns");
   }
}

void CompressedFile::ListBlocks()
{
   const auto file = OpenForReading(fPath);
   WithDataErrors(fPath, [&] {
      const auto reader = OpenRNTuple(*file, kBlocks, fPath);
      auto events = reader->GetView<std::uint32_t>(kEventsField);
      std::uint64_t blocks = 0;
      for (std::size_t part = 0; part < fParts.size(); ++part) {
         const std::uint64_t first = fEvents;
         for (std::uint64_t i = 0; i < fParts[part].fBlocks && blocks < reader->GetNEntries(); ++i, ++blocks) {
            fBlocks.push_back({fEvents, events(blocks), part});
            fEvents += fBlocks.back().fEvents;
         }
         if (fEvents - first != fParts[part].fEvents)
            throw CorruptionError(fPath + ": part " + std::to_string(part) + " has blocks of " +
                                  std::to_string(fEvents - first) + " events; its metadata speak of " +
                                  std::to_string(fParts[part].fEvents) + "; copy the file again");
      }
      if (blocks != reader->GetNEntries())
         throw CorruptionError(fPath + ": " + std::to_string(reader->GetNEntries()) +
                               " blocks, of which the metadata " + "know " + std::to_string(blocks) +
                               "; copy the file again");
   });
}

CompressedReader::CompressedReader(std::shared_ptr<const CompressedFile> file)
   : fFile(std::move(file)), fKeptColumns(KeptIndices(fFile->CoderOf(0).GetLayout())),
     fEvents(TableReader::Open(fFile->Path(), EventsName(fFile->Table())))
{
   const TableSchema expected = KeptColumns(fFile->CoderOf(0).GetLayout());
   const bool same =
      std::equal(expected.begin(), expected.end(), fEvents->Schema().begin(), fEvents->Schema().end(),
                 [](const TableColumn &left, const TableColumn &right) {
                    return left.fName == right.fName && left.fType == right.fType && left.fDepth == right.fDepth;
                 });
   if (!same || fEvents->Events() != fFile->Events())
      throw CorruptionError(fFile->Path() + ": '" + fFile->Table() + "' has " + std::to_string(fEvents->Events()) +
                            " events and " + std::to_string(fEvents->Schema().size()) +
                            " columns; its metadata speak of others; copy the file again");
   const auto open = OpenForReading(fFile->Path());
   WithDataErrors(fFile->Path(), [&] { fBlocks = OpenRNTuple(*open, kBlocks, fFile->Path()); });
}

void CompressedReader::Read(std::size_t block, const std::vector<std::size_t> &columns, TableBlock &result)
{
   const CompressedFile::Block &position = fFile->Blocks()[block];
   const BlockCoder &coder = fFile->CoderOf(position.fPart);
   const StoredBlock stored = ReadFields(block, coder.FieldsFor(columns));
   result.fColumns.assign(fFile->Schema().size(), {});
   ReadKept(block, columns, result);
   coder.Decode(stored, columns, result, fFile->Path() + ", block " + std::to_string(block));
   result.fFirstEvent = position.fFirstEvent;
}

StoredBlock CompressedReader::ReadStored(std::size_t block, TableBlock &kept)
{
   const BlockCoder &coder = fFile->CoderOf(fFile->Blocks()[block].fPart);
   std::vector<std::size_t> all(fFile->Schema().size());
   for (std::size_t i = 0; i < all.size(); ++i)
      all[i] = i;
   kept.fColumns.assign(all.size(), {});
   ReadKept(block, all, kept);
   return ReadFields(block, coder.FieldsFor(all));
}

StoredBlock CompressedReader::ReadFields(std::size_t block, const std::vector<std::size_t> &fields)
{
   const BlockCoder &coder = fFile->CoderOf(fFile->Blocks()[block].fPart);
   StoredBlock stored;
   stored.fIntegers.resize(coder.Fields().size());
   WithDataErrors(fFile->Path() + ", block " + std::to_string(block), [&] {
      stored.fEvents = fFile->Blocks()[block].fEvents;
      stored.fChecksums = ReadVector<std::uint32_t>(*fBlocks, kChecksumsField, block);
      stored.fSpecial = ReadVector<std::uint8_t>(*fBlocks, kSpecialField, block);
      for (const std::size_t field : fields)
         stored.fIntegers[field] = ReadIntegers(*fBlocks, coder.Fields()[field], block);
   });
   return stored;
}

void CompressedReader::ReadKept(std::size_t block, const std::vector<std::size_t> &columns, TableBlock &result)
{
   std::vector<std::size_t> fields;
   for (std::size_t field = 0; field < fKeptColumns.size(); ++field)
      if (std::find(columns.begin(), columns.end(), fKeptColumns[field]) != columns.end())
         fields.push_back(field);
   const CompressedFile::Block &position = fFile->Blocks()[block];
   fEvents->Read(position.fFirstEvent, position.fEvents, fields, fKept);
   for (const std::size_t field : fields)
      result.fColumns[fKeptColumns[field]] = std::move(fKept.fColumns[field]);
   result.fFirstEvent = position.fFirstEvent;
   result.fEvents = position.fEvents;
}

} // namespace aeplugin::rdf
