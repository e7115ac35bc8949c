#ifndef AEPLUGIN_COMPRESSED_FILES_HXX
#define AEPLUGIN_COMPRESSED_FILES_HXX

#include "compressed_reader.hxx"
#include "random_events.hxx"
#include "table_reader.hxx"
#include "table_writer.hxx"

#include <TFile.h>

#include <memory>
#include <numeric>
#include <string>

namespace testing {

constexpr int kZstd5 = 505;

inline void WriteTable(const std::string &path, const aeplugin::TableSchema &schema, const aeplugin::TableBlock &block,
                       aeplugin::rdf::TableFormat format = aeplugin::rdf::TableFormat::kRNTuple)
{
   const std::unique_ptr<TFile> file(TFile::Open(path.c_str(), "RECREATE"));
   const auto writer = aeplugin::rdf::TableWriter::Create(*file, "events", schema, format, kZstd5);
   writer->Write(block);
   writer->Close();
   file->Close();
}

/// All of a table that is not compressed.
inline aeplugin::TableBlock ReadTable(const std::string &path)
{
   const auto reader = aeplugin::rdf::TableReader::Open(path, "");
   std::vector<std::size_t> columns(reader->Schema().size());
   std::iota(columns.begin(), columns.end(), 0);
   aeplugin::TableBlock block;
   reader->Read(0, reader->Events(), columns, block);
   return block;
}

/// Fails unless a compressed file holds just these events, bit by bit.
inline void ExpectFile(const std::string &path, const aeplugin::TableBlock &expected)
{
   const auto file = aeplugin::rdf::CompressedFile::Open(path);
   AreEqual(file->Events(), expected.fEvents, "events");
   std::vector<std::size_t> columns(file->Schema().size());
   std::iota(columns.begin(), columns.end(), 0);
   AreEqual(columns.size(), expected.fColumns.size(), "columns");
   aeplugin::rdf::CompressedReader reader(file);
   aeplugin::TableBlock block;
   for (std::size_t i = 0; i < file->Blocks().size(); ++i) {
      reader.Read(i, columns, block);
      ExpectEqual(block, Slice(expected, file->Schema(), block.fFirstEvent, block.fEvents), file->Schema());
   }
}

} // namespace testing

#endif
