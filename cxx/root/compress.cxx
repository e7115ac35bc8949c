#include "columns.hxx"
#include "compressed_tables.hxx"
#include "compressed_writer.hxx"
#include "file_checksum.hxx"
#include "output_file.hxx"
#include "parallel.hxx"
#include "progress.hxx"
#include "sample.hxx"
#include "table_reader.hxx"

#include <aeplugin/planner.hxx>
#include <aeplugin/rdf/files.hxx>
#include <aeplugin/version.hxx>

#include <TROOT.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <system_error>

namespace aeplugin::rdf {
namespace {

constexpr double kWritten = 0.8; ///< of the work is done when all is written and nothing verified

/// \throws InputError for events that the table does not have
EventSpan ChooseEvents(const TableReader &reader, const std::string &input, const CompressOptions &options)
{
   const std::uint64_t last = options.fLastEvent == kLastEvent ? reader.Events() : options.fLastEvent;
   if (options.fFirstEvent > last || last > reader.Events())
      throw InputError(input + ": events " + std::to_string(options.fFirstEvent) + " to " + std::to_string(last) +
                       " of '" + reader.Name() + "' were asked for, which has " + std::to_string(reader.Events()) +
                       "; expected a range [first, last) within them");
   return {options.fFirstEvent, last - options.fFirstEvent};
}

/// \param tick is called now and then while the input is read
void SetProvenance(Metadata &metadata, const std::string &input, const std::function<void()> &tick)
{
   metadata.fAepluginVersion = Version();
   metadata.fRootVersion = gROOT->GetVersion();
   metadata.fInputName = std::filesystem::path(input).filename().string();
   std::error_code notLocal;
   const auto size = std::filesystem::file_size(input, notLocal);
   if (!notLocal) {
      metadata.fInputBytes = size;
      metadata.fInputMd5 = Md5OfFile(input, tick);
   }
}

void SetSummaries(Metadata &metadata, const std::vector<QuantiserSummary> &summaries)
{
   for (std::size_t i = 0; i < summaries.size(); ++i) {
      metadata.fColumnValues[i] = summaries[i].fValues;
      metadata.fColumnSpecial[i] = summaries[i].fSpecial;
      metadata.fColumnMaxErrors[i] = summaries[i].fMaxError;
   }
}

void Add(std::vector<QuantiserSummary> &sums, const std::vector<QuantiserSummary> &others)
{
   sums.resize(std::max(sums.size(), others.size()));
   for (std::size_t i = 0; i < others.size(); ++i) {
      sums[i].fValues += others[i].fValues;
      sums[i].fSpecial += others[i].fSpecial;
      sums[i].fMaxError = std::max(sums[i].fMaxError, others[i].fMaxError);
   }
}

bool NeedsModel(const Layout &layout)
{
   return std::any_of(layout.fGroups.begin(), layout.fGroups.end(),
                      [](const Group &group) { return group.fCodec != CodecKind::kPlain; });
}

/// One compression: what its threads share.
class Compression {
public:
   Compression(const std::string &input, const Model &model, const CompressOptions &options)
      : fInput(input), fModel(model), fOptions(options)
   {
      ROOT::EnableThreadSafety();
      fReaders.push_back(OpenReader());
      fEvents = ChooseEvents(*fReaders.front(), input, options);
      const auto sample = ReadSample(*fReaders.front(), fEvents);
      fEventsPerBlock = EventsPerBlock(sample);
      fBlocks = (Events() + fEventsPerBlock - 1) / fEventsPerBlock;
      fCoder = std::make_unique<BlockCoder>(MakeLayout(fReaders.front()->Schema(), model, sample, Events()), model);
   }

   std::uint64_t Events() const { return fEvents.fCount; }

   void WriteTo(TFile &file)
   {
      CompressedWriter writer(file, fReaders.front()->Name(), fCoder->GetLayout(), fCoder->Fields(),
                              fOptions.fCompression);
      WriteBlocks(writer);
      writer.Close();
      WriteMetadata(file, {MakeMetadata()});
   }

private:
   std::unique_ptr<TableReader> OpenReader() const
   {
      return TableReader::Open(fInput, fOptions.fTree, fModel.fRules.fDropped);
   }

   void WriteBlocks(CompressedWriter &writer)
   {
      const auto threads =
         static_cast<unsigned>(std::clamp<std::uint64_t>(fBlocks, 1, NumberOfThreads(fOptions.fThreads)));
      // Here and not in the threads: where one of them fails, lanes must not go while others still write.
      std::vector<std::unique_ptr<CompressedWriter::Lane>> lanes;
      for (unsigned i = 0; i < threads; ++i) {
         lanes.push_back(std::make_unique<CompressedWriter::Lane>(writer));
         if (i > 0)
            fReaders.push_back(OpenReader());
      }
      std::vector<std::vector<QuantiserSummary>> summaries(threads);
      RunInThreads(
         threads, [&](unsigned i) { Work(*fReaders[i], *lanes[i], summaries[i]); }, [&] { Report(); },
         [&] { writer.GiveUp(); });
      for (const auto &summary : summaries)
         Add(fSummaries, summary);
   }

   /// Compresses blocks until there are no more.
   void Work(TableReader &reader, CompressedWriter::Lane &lane, std::vector<QuantiserSummary> &summaries)
   {
      const auto columns = AllColumns(reader.Schema());
      TableBlock block;
      for (std::uint64_t number = fNextBlock++; number < fBlocks; number = fNextBlock++) {
         const std::uint64_t first = number * fEventsPerBlock;
         reader.Read(fEvents.fFirst + first, std::min<std::uint64_t>(fEventsPerBlock, Events() - first), columns,
                     block);
         lane.Write(number, block, fCoder->Encode(block, summaries), fCoder->Fields());
         ++fDone;
      }
   }

   void Report() const
   {
      if (fOptions.fProgress && fBlocks > 0)
         fOptions.fProgress(kWritten * static_cast<double>(fDone) / static_cast<double>(fBlocks));
   }

   Metadata MakeMetadata() const
   {
      Metadata metadata;
      SetProvenance(metadata, fInput, StandsAt(fOptions.fProgress, kWritten));
      metadata.fInputFirstEvent = fEvents.fFirst;
      metadata.fInputEvents = fReaders.front()->Events();
      metadata.fTable = fReaders.front()->Name();
      metadata.fEvents = Events();
      metadata.fBlocks = fBlocks;
      metadata.SetLayout(fCoder->GetLayout());
      SetSummaries(metadata, fSummaries);
      metadata.fRecipe = fModel.fRecipe;
      if (NeedsModel(fCoder->GetLayout())) {
         const std::string bytes = fModel.ToBytes();
         metadata.fModel.assign(bytes.begin(), bytes.end());
      }
      return metadata;
   }

   const std::string &fInput;
   const Model &fModel;
   const CompressOptions &fOptions;
   std::vector<std::unique_ptr<TableReader>> fReaders; ///< one per thread
   EventSpan fEvents;
   std::unique_ptr<BlockCoder> fCoder;
   std::size_t fEventsPerBlock = 0;
   std::uint64_t fBlocks = 0;
   std::atomic<std::uint64_t> fNextBlock{0};
   std::atomic<std::uint64_t> fDone{0};
   std::vector<QuantiserSummary> fSummaries;
};

} // namespace

std::uint64_t Compress(const std::string &input, const std::string &output, const Model &model,
                       const CompressOptions &options)
{
   if (OpenForReading(input)->GetKey(kMetadata) != nullptr)
      throw InputError(input + ": is a compressed file already; `aeplugin decompress` it first");
   OutputFile target(output, {input});
   return target.Make(input, [&] {
      Compression compression(input, model, options);
      compression.WriteTo(target.File());
      target.Close(StandsAt(options.fProgress, kWritten));
      Verify(target.TemporaryPath(), {}, options.fThreads, Between(options.fProgress, kWritten, 1));
      return compression.Events();
   });
}

} // namespace aeplugin::rdf
