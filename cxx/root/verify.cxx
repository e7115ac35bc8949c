#include "block_loop.hxx"
#include "root_errors.hxx"
#include "table_reader.hxx"

#include <aeplugin/bound.hxx>
#include <aeplugin/rdf/files.hxx>

#include <TROOT.h>

#include <algorithm>

namespace aeplugin::rdf {
namespace {

/// Whether a part of a file goes on where the part before ended, in the same original.
bool Continues(const Metadata &part, const Metadata &before)
{
   return part.fInputFirstEvent > 0 && part.fInputFirstEvent == before.fInputFirstEvent + before.fEvents &&
          part.fInputName == before.fInputName && part.fInputBytes == before.fInputBytes &&
          part.fInputMd5 == before.fInputMd5;
}

/// For each part of a file the original that it was made from, counted from 0.
std::vector<std::size_t> OriginalsOfParts(const std::vector<Metadata> &parts)
{
   std::vector<std::size_t> originals{0};
   for (std::size_t part = 1; part < parts.size(); ++part)
      originals.push_back(originals.back() + (Continues(parts[part], parts[part - 1]) ? 0 : 1));
   return originals;
}

/// The originals of a compressed file as one thread reads them, opened for each part.
class Originals {
public:
   /// \throws InputError where they have not the events and columns of the file
   Originals(const CompressedFile &file, const std::vector<std::string> &paths) : fFile(file)
   {
      const auto originals = OriginalsOfParts(file.Parts());
      const bool onePerPart = paths.size() == originals.size();
      if (!onePerPart && paths.size() != originals.back() + 1)
         throw InputError(file.Path() + ": was made from " + std::to_string(originals.back() + 1) +
                          " files; it is compared with " + std::to_string(paths.size()));
      for (std::size_t part = 0; part < originals.size(); ++part)
         Open(paths[onePerPart ? part : originals[part]], file.Parts()[part]);
   }

   /// The events of a block, columns as in the compressed file.
   const TableBlock &Read(std::size_t number)
   {
      const auto &position = fFile.Blocks()[number];
      const auto &columns = fColumns[position.fPart];
      const std::uint64_t first = position.fFirstEvent - fFirstEvents[position.fPart];
      fReaders[position.fPart]->Read(fFile.Parts()[position.fPart].fInputFirstEvent + first, position.fEvents, columns,
                                     fRead);
      fBlock.fColumns.resize(columns.size());
      for (std::size_t i = 0; i < columns.size(); ++i)
         fBlock.fColumns[i] = std::move(fRead.fColumns[columns[i]]);
      return fBlock;
   }

private:
   void Open(const std::string &path, const Metadata &part)
   {
      const auto isDropped = [&](const std::string &name) {
         return std::none_of(part.fColumnNames.begin(), part.fColumnNames.end(), [&](const std::string &column) {
            return column == name || column.compare(0, name.size() + 1, name + ".") == 0;
         });
      };
      fReaders.push_back(TableReader::Open(path, part.fTable, isDropped));
      if (fReaders.back()->Events() != part.fInputEvents)
         throw InputError(path + ": has " + std::to_string(fReaders.back()->Events()) + " events in '" + part.fTable +
                          "'; " + fFile.Path() + " was made from " + std::to_string(part.fInputEvents));
      fFirstEvents.push_back(fEvents);
      fEvents += part.fEvents;
      const TableSchema &schema = fReaders.back()->Schema();
      fColumns.emplace_back();
      for (const TableColumn &column : fFile.Schema()) {
         const auto found = FindColumn(schema, column.fName);
         if (!found || schema[*found].fType != column.fType)
            throw InputError(path + ": has no column '" + column.fName + "' of type " + column.fTypeName + ", as " +
                             fFile.Path() + " has");
         fColumns.back().push_back(*found);
      }
   }

   const CompressedFile &fFile;
   std::vector<std::unique_ptr<TableReader>> fReaders;
   std::vector<std::uint64_t> fFirstEvents;
   std::vector<std::vector<std::size_t>> fColumns; ///< per part and column of the file: the original's column
   std::uint64_t fEvents = 0;
   TableBlock fRead;
   TableBlock fBlock;
};

void Add(Comparison &sum, const Comparison &other)
{
   if (sum.fViolations == 0)
      sum.fFirst = other.fFirst;
   sum.fValues += other.fValues;
   sum.fViolations += other.fViolations;
   sum.fMaxError = std::max(sum.fMaxError, other.fMaxError);
}

std::vector<Promise> PromisesOf(const Layout &layout)
{
   std::vector<Promise> promises(layout.fSchema.size());
   for (const Group &group : layout.fGroups)
      for (const CompressedColumn &column : group.fColumns)
         promises[column.fColumn] = {column.fTolerance, column.fSentinels};
   return promises;
}

} // namespace

std::vector<VerifiedColumn> Verify(const std::string &path, const std::vector<std::string> &originals, unsigned threads,
                                   const Progress &progress)
{
   ROOT::EnableThreadSafety();
   const auto file = CompressedFile::Open(path);
   const TableSchema &schema = file->Schema();
   std::vector<VerifiedColumn> result;
   for (const TableColumn &column : schema)
      result.push_back({column.fName, {}});
   return WithRootErrors(path, [&] {
      std::vector<std::unique_ptr<Originals>> readers;
      for (unsigned i = 0; i < ThreadsFor(*file, threads) && !originals.empty(); ++i)
         readers.push_back(std::make_unique<Originals>(*file, originals));
      std::vector<std::vector<VerifiedColumn>> results(ThreadsFor(*file, threads), result);
      BlockWork work;
      if (!originals.empty())
         work.fParallel = [&](unsigned thread, std::size_t number, const TableBlock &decoded) {
            const auto &position = file->Blocks()[number];
            const auto promises = PromisesOf(file->CoderOf(position.fPart).GetLayout());
            const TableBlock &original = readers[thread]->Read(number);
            for (std::size_t i = 0; i < schema.size(); ++i)
               Add(results[thread][i].fComparison,
                   Compare(schema[i], promises[i], original.fColumns[i], decoded.fColumns[i], position.fFirstEvent));
         };
      ForEachBlock(file, threads, progress, work);
      for (const auto &part : results)
         for (std::size_t i = 0; i < schema.size(); ++i)
            Add(result[i].fComparison, part[i].fComparison);
      return result;
   });
}

} // namespace aeplugin::rdf
