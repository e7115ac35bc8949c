#include "columns.hxx"
#include "compressed_tables.hxx"
#include "compressed_writer.hxx"
#include "parallel.hxx"
#include "root_errors.hxx"
#include "table_reader.hxx"
#include "terminate_scope.hxx"

#include <aeplugin/atomic_file.hxx>
#include <aeplugin/planner.hxx>
#include <aeplugin/rdf/files.hxx>
#include <aeplugin/version.hxx>

#include <TMD5.h>
#include <TROOT.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <system_error>

namespace aeplugin::rdf {
namespace {

constexpr std::uint64_t kSamples = 8; ///< pieces of the input that the sample is made of
constexpr std::uint64_t kEventsPerSample = 2000;
constexpr std::uint64_t kFirstEvents = 20; ///< from which the size of events is guessed
constexpr std::size_t kBytesPerSample = std::size_t{32} << 20;
constexpr std::size_t kBytesPerBlock = std::size_t{4} << 20;
constexpr std::size_t kMaxEventsPerBlock = std::size_t{1} << 16;

std::vector<std::size_t> AllColumns(const TableSchema &schema)
{
   std::vector<std::size_t> columns(schema.size());
   for (std::size_t i = 0; i < columns.size(); ++i)
      columns[i] = i;
   return columns;
}

std::size_t BytesOf(const TableBlock &block)
{
   std::size_t bytes = 0;
   for (const ColumnBlock &column : block.fColumns) {
      bytes += std::visit([](const auto &values) { return values.size() * sizeof(*values.data()); }, column.fValues);
      for (const auto &offsets : column.fOffsets)
         bytes += offsets.size() * sizeof(offsets[0]);
   }
   return bytes;
}

/// Events from all over the table.
std::vector<TableBlock> ReadSample(TableReader &reader)
{
   const std::uint64_t events = reader.Events();
   TableBlock first;
   reader.Read(0, std::min<std::uint64_t>(events, kFirstEvents), AllColumns(reader.Schema()), first);
   const std::uint64_t affordable = kFirstEvents * kBytesPerSample / (BytesOf(first) + 1) + 1;
   const std::uint64_t wanted = std::min({events, kSamples * kEventsPerSample, affordable});
   const std::size_t pieces = events > wanted && wanted >= kSamples ? kSamples : 1;
   const std::uint64_t size = wanted / pieces;
   std::vector<TableBlock> sample(pieces);
   for (std::size_t i = 0; i < pieces; ++i)
      reader.Read(i * (events / pieces), size, AllColumns(reader.Schema()), sample[i]);
   return sample;
}

/// So many that blocks stay small beside the memory of a machine, and large beside what a block costs by itself.
std::size_t EventsPerBlock(const std::vector<TableBlock> &sample)
{
   std::size_t bytes = 0;
   std::size_t events = 0;
   for (const TableBlock &block : sample) {
      bytes += BytesOf(block);
      events += block.fEvents;
   }
   if (bytes == 0)
      return kMaxEventsPerBlock;
   return std::clamp<std::size_t>(kBytesPerBlock * events / bytes, 1, kMaxEventsPerBlock);
}

std::string Md5OfFile(const std::string &path)
{
   const std::unique_ptr<TMD5> sum(TMD5::FileChecksum(path.c_str()));
   return sum ? sum->AsString() : "";
}

void SetProvenance(Metadata &metadata, const std::string &input)
{
   metadata.fAepluginVersion = Version();
   metadata.fRootVersion = gROOT->GetVersion();
   metadata.fInputName = std::filesystem::path(input).filename().string();
   std::error_code notLocal;
   const auto size = std::filesystem::file_size(input, notLocal);
   if (!notLocal) {
      metadata.fInputBytes = size;
      metadata.fInputMd5 = Md5OfFile(input);
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
                      [](const Group &group) { return group.fCodec == CodecKind::kAutoencoder; });
}

/// One compression: what its threads share.
class Compression {
public:
   Compression(const std::string &input, const Model &model, const CompressOptions &options)
      : fInput(input), fModel(model), fOptions(options)
   {
      ROOT::EnableThreadSafety();
      fReaders.push_back(OpenReader());
      const auto sample = ReadSample(*fReaders.front());
      fEventsPerBlock = EventsPerBlock(sample);
      fBlocks = (Events() + fEventsPerBlock - 1) / fEventsPerBlock;
      fCoder = std::make_unique<BlockCoder>(MakeLayout(fReaders.front()->Schema(), model, sample, Events()), model);
   }

   std::uint64_t Events() const { return fReaders.front()->Events(); }

   void WriteTo(const std::string &path)
   {
      const std::unique_ptr<TFile> file(TFile::Open(path.c_str(), "RECREATE"));
      if (!file || file->IsZombie())
         throw InputError(path + ": cannot be opened for writing");
      CompressedWriter writer(*file, fReaders.front()->Name(), fCoder->GetLayout(), fCoder->Fields(),
                              fOptions.fCompression);
      WriteBlocks(writer);
      writer.Close();
      WriteMetadata(*file, {MakeMetadata()});
      file->Write();
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
         reader.Read(first, std::min<std::uint64_t>(fEventsPerBlock, Events() - first), columns, block);
         lane.Write(number, block, fCoder->Encode(block, summaries), fCoder->Fields());
         ++fDone;
      }
   }

   void Report() const
   {
      if (fOptions.fProgress && fBlocks > 0)
         fOptions.fProgress(static_cast<double>(fDone) / static_cast<double>(fBlocks));
   }

   Metadata MakeMetadata() const
   {
      Metadata metadata;
      SetProvenance(metadata, fInput);
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
   AtomicFile target(output, input);
   const TerminateScope onTerminate(target.TemporaryPath());
   return WithRootErrors(input, [&] {
      Compression compression(input, model, options);
      compression.WriteTo(target.TemporaryPath());
      Verify(target.TemporaryPath(), {}, options.fThreads);
      target.Commit();
      return compression.Events();
   });
}

} // namespace aeplugin::rdf
