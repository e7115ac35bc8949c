// How fast densities code events, and what takes the time: density_speed FOLDER MODEL...
// FOLDER has counts.u32, the objects of each event, and NAME.f32 for each variable of the densities; MODEL are models
// with a density of these. Prints one JSON line about itself, then one per line of standard input, in each of which
// every measurement takes another block of events; density_speed.py drives it.

#include "fma_peak.hxx"
#include "rounds.hxx"
#include "values_file.hxx"

#include "../../cxx/src/density/row_visitors.hxx"

#include <aeplugin/model.hxx>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace aeplugin;
using benchmarks::Measurement;
using density::BlockIntegers;
using density::PreparedDensity;

constexpr std::size_t kEventsPerBlock = std::size_t{1} << 15;

/// The values of some events, as a file of columns has them; counts are integers already.
struct Block {
   std::size_t fEvents;
   std::size_t fObjects;
   std::vector<std::vector<float>> fValues; ///< per variable, empty for counts
   std::vector<Grid> fCounts;
};

std::vector<Block> ReadBlocks(const std::string &folder, const PreparedDensity &density)
{
   const auto counts = benchmarks::ReadValues<std::uint32_t>(folder + "/counts.u32");
   std::vector<std::vector<float>> values(density.Variables());
   for (std::size_t i = 0; i < values.size(); ++i)
      if (!density.Variable(i).IsCount())
         values[i] = benchmarks::ReadValues<float>(folder + "/" + density.Variable(i).fVariable + ".f32");
   std::vector<Block> blocks;
   std::size_t objects = 0;
   for (std::size_t event = 0; event + kEventsPerBlock <= counts.size(); event += kEventsPerBlock) {
      Block &block = blocks.emplace_back();
      block.fCounts.assign(&counts[event], &counts[event] + kEventsPerBlock);
      block.fEvents = kEventsPerBlock;
      block.fObjects = 0;
      for (const Grid count : block.fCounts)
         block.fObjects += static_cast<std::size_t>(count);
      for (std::size_t i = 0; i < values.size(); ++i) {
         auto &some = block.fValues.emplace_back();
         if (density.Variable(i).IsCount())
            continue;
         const bool isOfObjects = density.CollectionOf(i) != nullptr;
         const std::size_t first = isOfObjects ? objects : event;
         const std::size_t n = isOfObjects ? block.fObjects : block.fEvents;
         if (values[i].size() < first + n)
            throw std::runtime_error(folder + ": too few values of " + density.Variable(i).fVariable);
         some.assign(&values[i][first], &values[i][first] + n);
      }
      objects += block.fObjects;
   }
   if (blocks.empty())
      throw std::runtime_error(folder + ": fewer events than a block has");
   return blocks;
}

/// Visits rows and does nothing: what is left is to find features and locations.
struct Idle final : density::RowVisitor {
   void Visit(const density::Rows &) override {}
};

/// Only the layers of the networks, on whatever numbers.
class Layers final : public density::RowVisitor {
public:
   Layers(const PreparedDensity &density, const density::Networks &networks)
      : fNetworks(networks), fKernels(kernels::GetKernels(density.InstructionSet()))
   {
      std::size_t widest = 0;
      for (std::size_t i = 0; i < density.Variables(); ++i)
         widest = std::max(widest, networks[i].fWidest);
      for (auto &planes : fPlanes)
         planes = kernels::AlignedFloats(widest * kStride);
   }
   void Visit(const density::Rows &rows) override
   {
      std::size_t in = 0;
      for (const auto &layer : fNetworks[rows.fVariable].fLayers) {
         fKernels.fColumns({fPlanes[in].data(), kStride, layer.fWeights.data(), layer.fBiases.data(), layer.fInputs,
                            layer.fOutputs, layer.fActivation, fPlanes[1 - in].data(), kStride,
                            kernels::PaddedWidth(rows.fRows)});
         in = 1 - in;
         fMultiplyAdds += layer.fInputs * layer.fOutputs * rows.fRows;
      }
   }
   std::uint64_t MultiplyAdds() const { return fMultiplyAdds; }

private:
   static constexpr std::size_t kStride = kernels::PlaneStride(density::kMostRows);

   const density::Networks &fNetworks;
   const kernels::KernelSet &fKernels;
   kernels::AlignedFloats fPlanes[2];
   std::uint64_t fMultiplyAdds = 0;
};

/// One density on one instruction set.
class Coder {
public:
   Coder(const Model &model, const std::string &instructionSet)
      : fDensity(model.fDensity.value(), true, instructionSet), fNetworks(fDensity), fAll(fDensity.Variables(), true),
        fEncoder(density::Evaluator(fDensity, fNetworks))
   {
   }

   const PreparedDensity &Get() const { return fDensity; }

   BlockIntegers Quantise(const Block &block) const
   {
      BlockIntegers integers(fDensity.Variables());
      std::vector<std::uint64_t> exact;
      QuantiserSummary summary;
      for (std::size_t i = 0; i < integers.size(); ++i) {
         if (fDensity.Variable(i).IsCount()) {
            integers[i] = block.fCounts;
            continue;
         }
         integers[i].resize(block.fValues[i].size());
         fDensity.QuantiserOf(i).Encode(block.fValues[i].data(), integers[i].size(), integers[i].data(), exact,
                                        summary);
      }
      if (!exact.empty())
         throw std::runtime_error("there are special values, which are not measured here");
      return integers;
   }

   void WalkWith(density::RowVisitor &visitor, const Block &block, BlockIntegers &byRank) const
   {
      density::Walk(fDensity, fAll, block.fEvents, visitor, byRank);
   }
   Layers MakeLayers() const { return {fDensity, fNetworks}; }

   std::vector<density::Stream> Encode(const Block &block)
   {
      BlockIntegers integers = ByRank(fDensity, Quantise(block));
      return EncodeRanked(block, integers);
   }
   std::vector<density::Stream> EncodeRanked(const Block &block, BlockIntegers &integers)
   {
      WalkWith(fEncoder, block, integers);
      return fEncoder.Finish();
   }

   std::vector<std::vector<float>> Decode(std::size_t events, const std::vector<density::Stream> &streams) const
   {
      BlockIntegers integers;
      density::RowDecoder decoder(density::Evaluator(fDensity, fNetworks), fAll, events, streams);
      density::Walk(fDensity, fAll, events, decoder, integers);
      decoder.Finish();
      integers = ByEvent(fDensity, std::move(integers));
      std::vector<std::vector<float>> values(integers.size());
      for (std::size_t i = 0; i < integers.size(); ++i)
         if (!fDensity.Variable(i).IsCount()) {
            values[i].resize(integers[i].size());
            fDensity.QuantiserOf(i).Decode(integers[i].data(), values[i].size(), {}, values[i].data());
         }
      return values;
   }

private:
   PreparedDensity fDensity;
   density::Networks fNetworks;
   std::vector<bool> fAll;
   density::RowEncoder fEncoder;
};

/// Blocks with what each stage starts from.
struct Prepared {
   Coder fCoder;
   std::vector<Block> fBlocks;
   std::vector<BlockIntegers> fIntegers;
   std::vector<BlockIntegers> fByRank;
   std::vector<std::vector<density::Stream>> fStreams;

   Prepared(const Model &model, const std::string &instructionSet, const std::string &folder)
      : fCoder(model, instructionSet), fBlocks(ReadBlocks(folder, fCoder.Get()))
   {
      for (const Block &block : fBlocks) {
         fIntegers.push_back(fCoder.Quantise(block));
         fByRank.push_back(ByRank(fCoder.Get(), fIntegers.back()));
         fStreams.push_back(fCoder.Encode(block));
      }
   }
};

/// Encoding, decoding, and each stage of encoding with all before it.
std::vector<Measurement> Measurements(const std::string &name, Prepared &prepared)
{
   std::vector<Measurement> measurements;
   const auto add = [&](const std::string &stage, auto pass) {
      measurements.push_back({name + "|" + stage, [&prepared, pass, round = std::size_t{0}]() mutable {
                                 pass(prepared, round++ % prepared.fBlocks.size());
                              }});
   };
   add("encode", [](Prepared &p, std::size_t k) { p.fCoder.Encode(p.fBlocks[k]); });
   add("decode", [](Prepared &p, std::size_t k) { p.fCoder.Decode(p.fBlocks[k].fEvents, p.fStreams[k]); });
   add("quantise", [](Prepared &p, std::size_t k) { p.fCoder.Quantise(p.fBlocks[k]); });
   add("ranks", [](Prepared &p, std::size_t k) { ByRank(p.fCoder.Get(), p.fIntegers[k]); });
   add("features", [](Prepared &p, std::size_t k) {
      Idle idle;
      p.fCoder.WalkWith(idle, p.fBlocks[k], p.fByRank[k]);
   });
   add("networks", [](Prepared &p, std::size_t k) {
      Layers layers = p.fCoder.MakeLayers();
      p.fCoder.WalkWith(layers, p.fBlocks[k], p.fByRank[k]);
   });
   add("entropy", [](Prepared &p, std::size_t k) { p.fCoder.EncodeRanked(p.fBlocks[k], p.fByRank[k]); });
   return measurements;
}

/// JSON about a density: multiply-adds and bytes per object.
std::string Facts(Prepared &prepared)
{
   std::size_t objects = 0;
   std::size_t bytes = 0;
   Layers layers = prepared.fCoder.MakeLayers();
   for (std::size_t k = 0; k < prepared.fBlocks.size(); ++k) {
      objects += prepared.fBlocks[k].fObjects;
      for (const auto &stream : prepared.fStreams[k])
         bytes += stream.fBytes.size() + sizeof(Grid) * stream.fEscapes.size();
      prepared.fCoder.WalkWith(layers, prepared.fBlocks[k], prepared.fByRank[k]);
   }
   const auto perObject = [&](std::uint64_t what) {
      return std::to_string(static_cast<double>(what) / static_cast<double>(objects));
   };
   return "{\"multiply_adds_per_object\": " + perObject(layers.MultiplyAdds()) +
          ", \"bytes_per_object\": " + perObject(bytes) +
          ", \"objects_per_block\": " + std::to_string(objects / prepared.fBlocks.size()) + "}";
}

void Benchmark(const std::string &folder, const std::vector<std::string> &paths)
{
   auto sets = kernels::InstructionSets();
   sets.erase(std::remove(sets.begin(), sets.end(), "generic"), sets.end());
   std::vector<std::unique_ptr<Prepared>> all;
   std::vector<Measurement> measurements;
   std::string facts = "\"densities\": {";
   std::string peaks;
   for (const std::string &set : sets) {
      measurements.push_back({set + "|peak", [set] { benchmarks::RunFmaPeak(set); }});
      peaks += (peaks.empty() ? "\"" : ", \"") + set + "\": " + std::to_string(benchmarks::RunFmaPeak(set));
      for (const std::string &path : paths) {
         all.push_back(std::make_unique<Prepared>(Model::FromFile(path), set, folder));
         const std::string name = set + "|" + std::filesystem::path(path).stem().string();
         facts += (all.size() == 1 ? "\"" : ", \"") + name + "\": " + Facts(*all.back());
         for (auto &measurement : Measurements(name, *all.back()))
            measurements.push_back(std::move(measurement));
      }
   }
   benchmarks::ServeRounds(facts + "}, \"peak_multiply_adds\": {" + peaks + "}", measurements);
}

} // namespace

int main(int argc, char **argv)
{
   if (argc < 3) {
      std::cerr << "usage: density_speed FOLDER MODEL...\n";
      return 2;
   }
   try {
      Benchmark(argv[1], {argv + 2, argv + argc});
   } catch (const std::exception &error) {
      std::cerr << error.what() << '\n';
      return 1;
   }
   return 0;
}
