// What ROOT's own RNTuple makes of columns, lossless and with its low-precision encodings.
//
// rntuple_peers FOLDER [decode]
//
// FOLDER holds input.txt (compressors/root_peers.py writes it), NAME.f32 per column and, for collections, counts.u32.
// Prints one JSON line about itself, then one per line of standard input; with "decode" also writes PEER.NAME.f32,
// what each peer gives back, and measures nothing.

#include "rounds.hxx"
#include "values_file.hxx"

#include <ROOT/RField.hxx>
#include <ROOT/RNTupleDescriptor.hxx>
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleReader.hxx>
#include <ROOT/RNTupleView.hxx>
#include <ROOT/RNTupleWriteOptions.hxx>
#include <ROOT/RNTupleWriter.hxx>
#include <TROOT.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

const std::string kTable = "events";

/// Columns of the objects of many events.
struct Collection {
   std::map<std::string, std::vector<float>> fColumns;
   std::vector<std::size_t> fOffsets; ///< per event and one more
   bool fIsFlat = false;              ///< one object per event, and plain float fields

   std::size_t Events() const { return fOffsets.size() - 1; }
};

/// How one column is written.
struct Encoding {
   std::string fColumn;
   std::string fKind;     ///< "float", "trunc" or "quant"
   std::size_t fBits = 0; ///< of trunc and quant
   float fMin = 0;        ///< of quant
   float fMax = 0;
};

struct Peer {
   std::string fName;
   std::string fKind; ///< "write", or "copy": from file to file
   int fSettings = 0; ///< ROOT's compression settings: 505 is zstd 5
   std::vector<unsigned> fThreads;
   std::size_t fEvents = 0; ///< the first ones, where all would take too long
   std::vector<Encoding> fEncodings;
};

bool IsLossless(const Peer &peer)
{
   return std::all_of(peer.fEncodings.begin(), peer.fEncodings.end(),
                      [](const Encoding &encoding) { return encoding.fKind == "float"; });
}

/// Implicit multi-threading while it lives, for more than one thread.
class Threads {
public:
   explicit Threads(unsigned threads) : fThreads(threads)
   {
      if (fThreads > 1)
         ROOT::EnableImplicitMT(fThreads);
   }
   Threads(const Threads &) = delete;
   Threads &operator=(const Threads &) = delete;
   ~Threads()
   {
      if (fThreads > 1)
         ROOT::DisableImplicitMT();
   }

private:
   unsigned fThreads;
};

/// Reads input.txt: "collection EVENTS flat|jagged", "column NAME", "peer NAME KIND SETTINGS EVENTS THREADS...", each
/// followed by its "field COLUMN KIND [BITS [MIN MAX]]".
std::vector<Peer> ReadInput(const std::string &folder, Collection &collection)
{
   std::vector<Peer> peers;
   std::ifstream file(folder + "/input.txt");
   std::string line;
   while (std::getline(file, line)) {
      std::istringstream words(line);
      std::string what;
      std::string name;
      words >> what >> name;
      if (what == "collection") {
         std::string shape;
         words >> shape;
         collection.fIsFlat = shape == "flat";
         collection.fOffsets.push_back(0);
         for (const auto count : aeplugin::benchmarks::ReadValues<std::uint32_t>(folder + "/counts.u32"))
            collection.fOffsets.push_back(collection.fOffsets.back() + count);
      } else if (what == "column") {
         collection.fColumns[name] = aeplugin::benchmarks::ReadValues<float>(folder + "/" + name + ".f32");
      } else if (what == "peer") {
         Peer &peer = peers.emplace_back();
         peer.fName = name;
         words >> peer.fKind >> peer.fSettings >> peer.fEvents;
         for (unsigned threads = 0; words >> threads;)
            peer.fThreads.push_back(threads);
      } else if (what == "field" && !peers.empty()) {
         Encoding &encoding = peers.back().fEncodings.emplace_back();
         encoding.fColumn = name;
         words >> encoding.fKind >> encoding.fBits >> encoding.fMin >> encoding.fMax;
      } else {
         throw std::runtime_error(folder + "/input.txt: unexpected line: " + line);
      }
   }
   if (peers.empty())
      throw std::runtime_error(folder + "/input.txt: names no peer");
   return peers;
}

std::unique_ptr<ROOT::RFieldBase> MakeField(const Encoding &encoding, bool isFlat)
{
   auto field = ROOT::RFieldBase::Create(encoding.fColumn, isFlat ? "float" : "std::vector<float>").Unwrap();
   auto &values = dynamic_cast<ROOT::RField<float> &>(isFlat ? *field : *field->GetMutableSubfields().front());
   if (encoding.fKind == "trunc")
      values.SetTruncated(encoding.fBits);
   else if (encoding.fKind == "quant")
      values.SetQuantized(encoding.fBits, {encoding.fMin, encoding.fMax});
   return field;
}

ROOT::RNTupleWriteOptions Options(int settings)
{
   ROOT::RNTupleWriteOptions options;
   options.SetCompression(settings);
   return options;
}

/// Fills event by event, as every writer of ntuples does.
void Write(const Collection &collection, const Peer &peer, const std::string &path, unsigned threads)
{
   const Threads guard(threads);
   auto model = ROOT::RNTupleModel::Create();
   std::vector<const float *> sources;
   for (const auto &encoding : peer.fEncodings) {
      model->AddField(MakeField(encoding, collection.fIsFlat));
      sources.push_back(collection.fColumns.at(encoding.fColumn).data());
   }
   const auto writer = ROOT::RNTupleWriter::Recreate(std::move(model), kTable, path, Options(peer.fSettings));
   const auto entry = writer->CreateEntry();
   if (collection.fIsFlat) {
      std::vector<std::shared_ptr<float>> values;
      for (const auto &encoding : peer.fEncodings)
         values.push_back(entry->GetPtr<float>(encoding.fColumn));
      for (std::size_t event = 0; event < peer.fEvents; ++event) {
         for (std::size_t c = 0; c < values.size(); ++c)
            *values[c] = sources[c][event];
         writer->Fill(*entry);
      }
   } else {
      std::vector<std::shared_ptr<std::vector<float>>> values;
      for (const auto &encoding : peer.fEncodings)
         values.push_back(entry->GetPtr<std::vector<float>>(encoding.fColumn));
      for (std::size_t event = 0; event < peer.fEvents; ++event) {
         for (std::size_t c = 0; c < values.size(); ++c)
            values[c]->assign(sources[c] + collection.fOffsets[event], sources[c] + collection.fOffsets[event + 1]);
         writer->Fill(*entry);
      }
   }
}

/// Reads all values column by column, which is quicker than entry by entry.
void Read(const Collection &collection, const Peer &peer, const std::string &path, unsigned threads,
          std::vector<std::vector<float>> &values)
{
   const Threads guard(threads);
   const auto reader = ROOT::RNTupleReader::Open(kTable, path);
   const std::size_t objects = collection.fOffsets[peer.fEvents];
   values.resize(peer.fEncodings.size());
   for (std::size_t c = 0; c < peer.fEncodings.size(); ++c) {
      const std::string &name = peer.fEncodings[c].fColumn;
      values[c].resize(objects);
      std::size_t first = 0;
      if (collection.fIsFlat) {
         auto view = reader->GetView<float>(name);
         for (; first < objects; ++first)
            values[c][first] = view(first);
         continue;
      }
      auto view = reader->GetView<std::vector<float>>(name);
      for (std::size_t event = 0; event < peer.fEvents; ++event) {
         const std::vector<float> &some = view(event);
         if (some.size() > objects - first)
            throw std::runtime_error(path + ": has too many objects");
         std::copy(some.begin(), some.end(), values[c].begin() + static_cast<std::ptrdiff_t>(first));
         first += some.size();
      }
   }
}

/// From file to file, entry by entry.
void Copy(const Peer &peer, const std::string &source, const std::string &path, unsigned threads)
{
   const Threads guard(threads);
   const auto reader = ROOT::RNTupleReader::Open(kTable, source);
   const auto writer = ROOT::RNTupleWriter::Recreate(reader->GetModel().Clone(), kTable, path, Options(peer.fSettings));
   const auto from = reader->CreateEntry();
   const auto to = writer->CreateEntry();
   for (const auto &encoding : peer.fEncodings)
      to->BindValue(encoding.fColumn, from->GetPtr<void>(encoding.fColumn));
   for (const auto event : reader->GetEntryRange()) {
      reader->LoadEntry(event, *from);
      writer->Fill(*to);
   }
}

/// Bytes of the pages of the columns of one field, without those of its subfields.
std::uint64_t PageBytes(const ROOT::RNTupleDescriptor &descriptor, ROOT::DescriptorId_t field)
{
   std::uint64_t bytes = 0;
   for (const auto &cluster : descriptor.GetClusterIterable())
      for (const auto &column : descriptor.GetColumnIterable(field))
         if (cluster.ContainsColumn(column.GetPhysicalId()))
            for (const auto &page : cluster.GetPageRange(column.GetPhysicalId()).GetPageInfos())
               bytes += page.GetLocator().GetNBytesOnStorage();
   return bytes;
}

/// Sizes as JSON: those of the columns, and as "counts" the offsets of the first one (all have the same).
std::string Sizes(const Collection &collection, const Peer &peer, const std::string &path)
{
   const auto reader = ROOT::RNTupleReader::Open(kTable, path);
   const auto &descriptor = reader->GetDescriptor();
   std::string json = "{\"objects\": " + std::to_string(collection.fOffsets[peer.fEvents]);
   json += ", \"counts\": ";
   json += collection.fIsFlat
              ? "0"
              : std::to_string(PageBytes(descriptor, descriptor.FindFieldId(peer.fEncodings.front().fColumn)));
   json += ", \"columns\": {";
   for (const auto &encoding : peer.fEncodings) {
      const std::string name = collection.fIsFlat ? encoding.fColumn : encoding.fColumn + "._0";
      json += (&encoding == &peer.fEncodings.front() ? "\"" : ", \"") + encoding.fColumn +
              "\": " + std::to_string(PageBytes(descriptor, descriptor.FindFieldId(name)));
   }
   return json + "}}";
}

void Benchmark(const std::string &folder, bool decode)
{
   Collection collection;
   const auto peers = ReadInput(folder, collection);
   const auto path = [&](const Peer &peer) { return folder + "/" + peer.fName + ".root"; };
   const std::string source = folder + "/source.root";
   std::vector<std::vector<float>> values;

   std::string facts = std::string("\"root\": \"") + gROOT->GetVersion() + "\", \"peers\": {";
   for (const auto &peer : peers) {
      Write(collection, peer, peer.fKind == "copy" ? source : path(peer), 1);
      if (peer.fKind == "copy")
         Copy(peer, source, path(peer), 1);
      facts += (&peer == &peers.front() ? "\"" : ", \"") + peer.fName + "\": " + Sizes(collection, peer, path(peer));
      if (!decode)
         continue;
      Read(collection, peer, path(peer), 1, values);
      for (std::size_t c = 0; c < values.size(); ++c)
         std::ofstream(folder + "/" + peer.fName + "." + peer.fEncodings[c].fColumn + ".f32", std::ios::binary)
            .write(reinterpret_cast<const char *>(values[c].data()),
                   static_cast<std::streamsize>(values[c].size() * sizeof(float)));
   }
   facts += "}";

   std::vector<aeplugin::benchmarks::Measurement> measurements;
   for (const auto &peer : peers) {
      for (const unsigned threads : peer.fThreads) {
         const std::string name = peer.fName + "|" + std::to_string(threads);
         if (peer.fKind == "copy") {
            measurements.push_back({name + "|compress", [&, threads] { Copy(peer, source, path(peer), threads); }});
            continue;
         }
         measurements.push_back({name + "|compress", [&, threads] { Write(collection, peer, path(peer), threads); }});
         // ROOT 6.40 does not read its low-precision columns with threads ("zip buffer too short").
         if (threads == 1 || IsLossless(peer))
            measurements.push_back(
               {name + "|decompress", [&, threads] { Read(collection, peer, path(peer), threads, values); }});
      }
   }
   aeplugin::benchmarks::ServeRounds(facts, decode ? decltype(measurements){} : measurements);
}

} // namespace

int main(int argc, char **argv)
{
   if (argc != 2 && !(argc == 3 && std::string(argv[2]) == "decode")) {
      std::cerr << "usage: rntuple_peers FOLDER [decode]\n";
      return 2;
   }
   try {
      Benchmark(argv[1], argc == 3);
   } catch (const std::exception &error) {
      std::cerr << error.what() << '\n';
      return 1;
   }
   return 0;
}
