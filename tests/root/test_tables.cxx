#include "random_table.hxx"
#include "table_reader.hxx"
#include "table_writer.hxx"
#include "temporary_folder.hxx"
#include "testing.hxx"

#include <aeplugin/error.hxx>

#include <TFile.h>
#include <TROOT.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

using namespace aeplugin;
using namespace aeplugin::rdf;
using testing::AreEqual;
using testing::EveryColumn;
using testing::ExpectEqual;
using testing::IsTrue;
using testing::RandomTable;
using testing::Slice;
using testing::Throws;

namespace {

constexpr int kZstd5 = 505;

std::vector<std::size_t> All(const TableSchema &schema)
{
   std::vector<std::size_t> columns(schema.size());
   std::iota(columns.begin(), columns.end(), 0);
   return columns;
}

void WriteBlocks(const std::string &path, const TableSchema &schema, const std::vector<TableBlock> &blocks,
                 TableFormat format)
{
   const std::unique_ptr<TFile> file(TFile::Open(path.c_str(), "RECREATE"));
   const auto writer = TableWriter::Create(*file, "events", schema, format, kZstd5);
   for (const TableBlock &block : blocks)
      writer->Write(block);
   writer->Close();
   file->Close();
}

/// The type with which a column comes back from a file.
std::string TypeAfter(const TableColumn &column, TableFormat format)
{
   if (format == TableFormat::kRNTuple && column.fShape == Shape::kCountedArray)
      return "std::vector<" + ValueTypeName(column.fType) + ">";
   return column.fTypeName;
}

/// Reads a whole table in steps that fit neither the blocks nor the clusters and expects what was written.
void ExpectTable(const std::string &path, const TableSchema &schema, const TableBlock &expected, TableFormat format)
{
   const auto reader = TableReader::Open(path, "");
   AreEqual(reader->Name(), std::string("events"));
   AreEqual(reader->Events(), expected.fEvents, "events");
   AreEqual(reader->Schema().size(), schema.size(), "columns");
   for (std::size_t i = 0; i < schema.size(); ++i) {
      AreEqual(reader->Schema()[i].fName, schema[i].fName, "name");
      AreEqual(reader->Schema()[i].fTypeName, TypeAfter(schema[i], format), "type of " + schema[i].fName);
   }
   constexpr std::size_t kStep = 37;
   TableBlock block;
   for (std::size_t first = 0; first < expected.fEvents; first += kStep) {
      const std::size_t n = std::min(kStep, expected.fEvents - first);
      reader->Read(first, n, All(schema), block);
      ExpectEqual(block, Slice(expected, schema, first, n), schema);
   }
}

void RoundTrip(const std::string &path, const TableSchema &schema, TableFormat format, std::size_t events)
{
   const TableBlock table = RandomTable(schema, events, 7);
   const std::size_t half = events / 3;
   WriteBlocks(path, schema, {Slice(table, schema, 0, half), Slice(table, schema, half, events - half)}, format);
   ExpectTable(path, schema, table, format);
}

/// Whether a TTree can have a column: ROOT has no compiled dictionaries for most vectors of vectors.
bool IsForTrees(const TableColumn &column)
{
   const bool isNested = column.fDepth > 1;
   const bool isRVec = column.fShape == Shape::kRVec && column.fType == ColumnType::kInt8;
   const bool isArrayOfStrings = column.fShape == Shape::kArray && column.fType == ColumnType::kString;
   return !isNested && !isRVec && !isArrayOfStrings;
}

TableSchema TreeSchema()
{
   TableSchema schema;
   for (const TableColumn &column : EveryColumn())
      if (IsForTrees(column))
         schema.push_back(column);
   return schema;
}

/// Overwrites bytes in the middle of a file.
void Damage(const std::string &path, std::streamoff offset, std::size_t n)
{
   std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
   file.seekp(offset);
   const std::string noise(n, '\x5a');
   file.write(noise.data(), static_cast<std::streamsize>(n));
}

} // namespace

int main()
{
   ROOT::EnableThreadSafety();
   testing::Suite suite;
   const testing::TemporaryFolder folder;

   suite.Case("every type and shape, RNTuple",
              [&] { RoundTrip(folder / "all.ntuple.root", EveryColumn(), TableFormat::kRNTuple, 1000); });
   suite.Case("every type and shape, TTree",
              [&] { RoundTrip(folder / "all.tree.root", TreeSchema(), TableFormat::kTTree, 1000); });
   suite.Case("no events", [&] {
      RoundTrip(folder / "none.ntuple.root", EveryColumn(), TableFormat::kRNTuple, 0);
      RoundTrip(folder / "none.tree.root", TreeSchema(), TableFormat::kTTree, 0);
   });
   suite.Case("many clusters and baskets", [&] {
      const TableSchema schema = {
         TableColumn::Make("run", "int"), TableColumn::Make("NJet", "int"), TableColumn::Make("Jet_pt", "float[NJet]"),
         TableColumn::Make("Jet_eta", "std::vector<float>"), TableColumn::Make("x", "std::array<double,3>")};
      RoundTrip(folder / "large.ntuple.root", schema, TableFormat::kRNTuple, 200000);
      RoundTrip(folder / "large.tree.root", schema, TableFormat::kTTree, 200000);
   });
   suite.Case("vectors of vectors in TTrees, or an error that names them", [&] {
      for (const TableColumn &column : EveryColumn()) {
         if (IsForTrees(column))
            continue;
         try {
            const TableSchema schema = {column};
            const TableBlock table = RandomTable(schema, 100, 3);
            WriteBlocks(folder / "nested.root", schema, {table}, TableFormat::kTTree);
            TableBlock block;
            TableReader::Open(folder / "nested.root", "")->Read(0, 100, {0}, block);
            ExpectEqual(block, table, schema);
         } catch (const InputError &error) {
            IsTrue(std::string(error.what()).find(column.fName) != std::string::npos, error.what());
         }
      }
   });

   suite.Case("some columns, some events, in any order", [&] {
      for (const auto &[path, schema] :
           {std::pair(folder / "all.ntuple.root", EveryColumn()), std::pair(folder / "all.tree.root", TreeSchema())}) {
         const auto reader = TableReader::Open(path, "events");
         TableBlock whole;
         reader->Read(0, 1000, All(schema), whole);
         for (std::size_t round = 0; round < 50; ++round) {
            const std::size_t first = (round * 379) % 990;
            const std::size_t column = (round * 31) % schema.size();
            TableBlock block;
            reader->Read(first, 10, {column}, block);
            const TableBlock slice = Slice(whole, schema, first, 10);
            ExpectEqual(block.fColumns[column], slice.fColumns[column], schema[column].fName);
            const std::size_t other = (column + 1) % schema.size();
            IsTrue(block.fColumns[other].fOffsets.empty(), "other columns are empty");
         }
         TableBlock block;
         reader->Read(1000, 0, All(schema), block);
         AreEqual(block.fEvents, 0u);
         Throws<InputError>([&] { reader->Read(999, 2, {0}, block); }, "which has 1000");
      }
   });
   suite.Case("several threads", [&] {
      for (const auto &[path, schema] :
           {std::pair(folder / "all.ntuple.root", EveryColumn()), std::pair(folder / "all.tree.root", TreeSchema())}) {
         const TableBlock expected = RandomTable(schema, 1000, 7);
         std::vector<std::string> failures(4);
         std::vector<std::thread> threads;
         for (std::string &failure : failures)
            threads.emplace_back([&, file = path, columns = schema] {
               try {
                  const auto reader = TableReader::Open(file, "");
                  TableBlock block;
                  for (std::size_t first = 0; first < 1000; first += 50) {
                     reader->Read(first, 50, All(columns), block);
                     ExpectEqual(block, Slice(expected, columns, first, 50), columns);
                  }
               } catch (const std::exception &error) {
                  failure = error.what();
               }
            });
         for (std::thread &thread : threads)
            thread.join();
         for (const std::string &failure : failures)
            AreEqual(failure, std::string());
      }
   });
   suite.Case("columns that are left out", [&] {
      const auto reader =
         TableReader::Open(folder / "all.tree.root", "", std::vector<std::string>{TreeSchema()[0].fName});
      AreEqual(reader->Schema().size(), TreeSchema().size() - 1);
      AreEqual(reader->Schema()[0].fName, TreeSchema()[1].fName);
   });

   suite.Case("field names", [&] {
      const TableSchema schema = {TableColumn::Make("a.b", "float"), TableColumn::Make("a_b", "float"),
                                  TableColumn::Make("a/b", "float"), TableColumn::Make("c", "float")};
      WriteBlocks(folder / "names.root", schema, {RandomTable(schema, 5, 1)}, TableFormat::kRNTuple);
      const auto reader = TableReader::Open(folder / "names.root", "");
      AreEqual(reader->Schema()[0].fName, std::string("a_b_"));
      AreEqual(reader->Schema()[1].fName, std::string("a_b"));
      AreEqual(reader->Schema()[2].fName, std::string("a_b__"));
      AreEqual(reader->Schema()[3].fName, std::string("c"));
      WriteBlocks(folder / "names.root", schema, {RandomTable(schema, 5, 1)}, TableFormat::kTTree);
      AreEqual(TableReader::Open(folder / "names.root", "")->Schema()[0].fName, std::string("a.b"));
   });
   suite.Case("a counter that is not there, or not right", [&] {
      const TableSchema alone = {TableColumn::Make("x", "float[n]")};
      WriteBlocks(folder / "alone.root", alone, {RandomTable(alone, 20, 1)}, TableFormat::kTTree);
      AreEqual(TableReader::Open(folder / "alone.root", "")->Schema()[0].fTypeName, std::string("std::vector<float>"));
      const TableSchema schema = {TableColumn::Make("n", "int"), alone[0]};
      TableBlock block = RandomTable(schema, 20, 1);
      ++std::get<std::vector<std::int32_t>>(block.fColumns[0].fValues)[13];
      Throws<InputError>([&] { WriteBlocks(folder / "wrong.root", schema, {block}, TableFormat::kTTree); },
                         "event 13: column 'x'");
   });

   suite.Case("damaged data", [&] {
      const TableSchema schema = {TableColumn::Make("x", "std::vector<float>"), TableColumn::Make("y", "double")};
      for (const TableFormat format : {TableFormat::kRNTuple, TableFormat::kTTree}) {
         const std::string path = folder / "damaged.root";
         WriteBlocks(path, schema, {RandomTable(schema, 20000, 1)}, format);
         Damage(path, 50000, 5000);
         Throws<CorruptionError>(
            [&] {
               TableBlock block;
               TableReader::Open(path, "")->Read(0, 20000, {0, 1}, block);
            },
            "copy the file again");
      }
   });
   suite.Case("files that are none", [&] {
      Throws<InputError>([&] { TableReader::Open(folder / "missing.root", ""); }, "no such file");
      Throws<InputError>([&] { TableReader::Open(folder / "all.tree.root", "evnts"); }, "'events'");
   });
   return suite.ExitCode();
}
