#include "compressed_tables.hxx"
#include "output_file.hxx"
#include "parallel.hxx"
#include "progress.hxx"
#include "sample.hxx"
#include "table_writer.hxx"

#include <aeplugin/nearest.hxx>
#include <aeplugin/rdf/files.hxx>

#include <TROOT.h>

#include <algorithm>
#include <atomic>
#include <set>

namespace aeplugin::rdf {
namespace {

/// Whether a column is the one of a name, or the name of a record that it is a member of.
bool IsOrIsIn(const std::string &column, const std::string &name)
{
   return column == name || column.compare(0, name.size() + 1, name + ".") == 0;
}

/// Opens a table with the columns that were chosen, or all.
/// \throws InputError naming a column that the table does not have; see TableReader::Open
std::unique_ptr<TableReader> OpenColumns(const std::string &input, const CopyOptions &options)
{
   const auto &chosen = options.fColumns;
   std::set<std::string> present;
   auto reader = TableReader::Open(input, options.fTree, [&](const std::string &name) {
      present.insert(name);
      return !chosen.empty() && std::none_of(chosen.begin(), chosen.end(),
                                             [&](const std::string &column) { return IsOrIsIn(column, name); });
   });
   for (const std::string &column : chosen)
      if (!FindColumn(reader->Schema(), column))
         throw InputError(input + ": '" + reader->Name() + "' has no column '" + column + "'" +
                          Nearest(column, {present.begin(), present.end()}));
   return reader;
}

/// One copy: what its threads share.
class Copy {
public:
   Copy(const std::string &input, const CopyOptions &options) : fInput(input), fOptions(options)
   {
      ROOT::EnableThreadSafety();
      fReaders.push_back(OpenColumns(input, options));
      fEventsPerBlock = EventsPerBlock(ReadSample(*fReaders.front(), {0, Events()}));
      fBlocks = (Events() + fEventsPerBlock - 1) / fEventsPerBlock;
   }

   std::uint64_t Events() const { return fReaders.front()->Events(); }

   void WriteTo(TFile &file)
   {
      const TableReader &first = *fReaders.front();
      const auto writer =
         TableWriter::Create(file, EventsName(first.Name()), first.Schema(), fOptions.fFormat, fOptions.fCompression);
      const auto threads =
         static_cast<unsigned>(std::clamp<std::uint64_t>(fBlocks, 1, NumberOfThreads(fOptions.fThreads)));
      while (fReaders.size() < threads)
         fReaders.push_back(OpenColumns(fInput, fOptions));
      RunInThreads(
         threads, [&](unsigned i) { Work(*fReaders[i], *writer); }, [&] { Report(); }, [&] { fTurnstile.Close(); });
      writer->Close();
   }

private:
   /// Copies blocks until there are no more.
   void Work(TableReader &reader, TableWriter &writer)
   {
      const auto columns = AllColumns(reader.Schema());
      TableBlock block;
      for (std::uint64_t number = fNextBlock++; number < fBlocks; number = fNextBlock++) {
         const std::uint64_t first = number * fEventsPerBlock;
         reader.Read(first, std::min<std::uint64_t>(fEventsPerBlock, Events() - first), columns, block);
         fTurnstile.Pass(number, [&] { writer.Write(block); });
         ++fDone;
      }
   }

   void Report() const
   {
      if (fOptions.fProgress && fBlocks > 0)
         fOptions.fProgress(static_cast<double>(fDone) / static_cast<double>(fBlocks));
   }

   const std::string &fInput;
   const CopyOptions &fOptions;
   std::vector<std::unique_ptr<TableReader>> fReaders; ///< one per thread
   std::size_t fEventsPerBlock = 0;
   std::uint64_t fBlocks = 0;
   std::atomic<std::uint64_t> fNextBlock{0};
   std::atomic<std::uint64_t> fDone{0};
   Turnstile fTurnstile; ///< to the writer
};

} // namespace

std::uint64_t CopyTable(const std::string &input, const std::string &output, const CopyOptions &options)
{
   OutputFile target(output, {input});
   return target.Make(input, [&] {
      Copy copy(input, options);
      copy.WriteTo(target.File());
      target.Close(StandsAt(options.fProgress, 1));
      return copy.Events();
   });
}

} // namespace aeplugin::rdf
