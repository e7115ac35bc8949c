// What running an encoder costs, alone and in an RDataFrame: engines MODEL EVENTS FOLDER
// MODEL has its exports beside it, EVENTS is a Dark Machines file, FOLDER takes a ROOT file made of it. Prints one JSON
// line about itself, then one per line of standard input; engines.py drives it.

#include "fma_peak.hxx"
#include "rounds.hxx"

#include "../../cxx/src/kernels/kernels.hxx"

#include <aeplugin/darkmachines.hxx>
#include <aeplugin/engine.hxx>
#include <aeplugin/rdf/functors.hxx>

#include <ROOT/RDataFrame.hxx>
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleWriter.hxx>
#include <TROOT.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace {

using aeplugin::Autoencoder;
using aeplugin::Engine;
using aeplugin::EngineKind;
using ROOT::VecOps::RVec;

const std::vector<std::string> kColumns{"Jet_E", "Jet_pt", "Jet_eta", "Jet_phi"};
constexpr std::size_t kJets = 400'000; ///< at least; enough for opening a file to cost little per jet
constexpr std::size_t kClusters = 16;  ///< what threads share is clusters
constexpr unsigned kThreads = 2;

/// The jets of many events, row by row.
struct Jets {
   std::vector<float> fValues;
   std::vector<std::size_t> fOffsets{0}; ///< per event and one more

   std::size_t Count() const { return fOffsets.back(); }
   std::size_t Events() const { return fOffsets.size() - 1; }
};

/// The jets of a file, repeated until there are kJets.
Jets ReadJets(const std::string &path)
{
   Jets jets;
   while (jets.Count() < kJets) {
      const std::size_t before = jets.Count();
      aeplugin::darkmachines::Reader reader(path);
      const auto &columns = reader.GetSchema().fColumns;
      aeplugin::EventBlock block;
      while (reader.Next(block)) {
         const std::size_t first = jets.Count();
         for (std::size_t c = 0; c < kColumns.size(); ++c) {
            const auto found = std::find_if(columns.begin(), columns.end(),
                                            [&](const auto &column) { return column.fName == kColumns[c]; });
            const auto &values =
               std::get<std::vector<float>>(block.fColumns[static_cast<std::size_t>(found - columns.begin())]);
            jets.fValues.resize((first + values.size()) * kColumns.size());
            for (std::size_t i = 0; i < values.size(); ++i)
               jets.fValues[(first + i) * kColumns.size() + c] = values[i];
         }
         const auto jetE = std::find_if(columns.begin(), columns.end(),
                                        [](const auto &column) { return column.fName == kColumns[0]; });
         const auto &offsets = block.fOffsets[static_cast<std::size_t>(jetE->fCollection)];
         for (std::size_t event = 0; event < block.fEvents; ++event)
            jets.fOffsets.push_back(first + offsets[event + 1]);
      }
      if (jets.Count() == before)
         throw std::runtime_error(path + ": has no jets");
   }
   return jets;
}

/// Writes the jets as an RNTuple "events" whose clusters two threads can share.
void WriteJets(const Jets &jets, const std::string &path)
{
   auto model = ROOT::RNTupleModel::Create();
   std::vector<std::shared_ptr<std::vector<float>>> fields;
   for (const auto &column : kColumns)
      fields.push_back(model->MakeField<std::vector<float>>(column));
   const auto writer = ROOT::RNTupleWriter::Recreate(std::move(model), "events", path);
   for (std::size_t event = 0; event < jets.Events(); ++event) {
      for (auto &field : fields)
         field->clear();
      for (std::size_t jet = jets.fOffsets[event]; jet < jets.fOffsets[event + 1]; ++jet)
         for (std::size_t c = 0; c < fields.size(); ++c)
            fields[c]->push_back(jets.fValues[jet * fields.size() + c]);
      writer->Fill();
      if ((event + 1) % (jets.Events() / kClusters + 1) == 0)
         writer->CommitCluster();
   }
}

void RunPerEvent(const Engine &engine, const Jets &jets, std::vector<float> &latents)
{
   for (std::size_t event = 0; event < jets.Events(); ++event) {
      const std::size_t first = jets.fOffsets[event];
      engine.Run(&jets.fValues[first * engine.Inputs()], jets.fOffsets[event + 1] - first,
                 &latents[first * engine.Outputs()]);
   }
}

void RunBatches(const Engine &engine, const Jets &jets, std::size_t batch, std::vector<float> &latents)
{
   for (std::size_t first = 0; first < jets.Count(); first += batch)
      engine.Run(&jets.fValues[first * engine.Inputs()], std::min(batch, jets.Count() - first),
                 &latents[first * engine.Outputs()]);
}

/// A whole event loop, from opening the file on, with a latent or (without autoencoder) a sum of the columns per event.
double RunEventLoop(const std::string &path, const Autoencoder *autoencoder)
{
   ROOT::RDataFrame events("events", path);
   if (!autoencoder) {
      const auto sum = [](const RVec<float> &e, const RVec<float> &pt, const RVec<float> &eta, const RVec<float> &phi) {
         return Sum(e) + Sum(pt) + Sum(eta) + Sum(phi);
      };
      return events.Define("value", sum, kColumns).Sum<float>("value").GetValue();
   }
   return events.Define("latents", aeplugin::rdf::Encode<4>(*autoencoder), kColumns)
      .Define("value", [](const aeplugin::rdf::Columns &latents) { return Sum(latents[0]); }, {"latents"})
      .Sum<float>("value")
      .GetValue();
}

double RunThreadedEventLoop(const std::string &path, const Autoencoder *autoencoder)
{
   ROOT::EnableImplicitMT(kThreads);
   const double value = RunEventLoop(path, autoencoder);
   ROOT::DisableImplicitMT();
   return value;
}

void Benchmark(const std::string &modelPath, const std::string &eventsPath, const std::string &folder)
{
   const Jets jets = ReadJets(eventsPath);
   const std::string path = folder + "/jets.root";
   WriteJets(jets, path);

   const std::vector<std::pair<std::string, Autoencoder>> engines{
      {"native", aeplugin::OpenAutoencoder(modelPath, "", EngineKind::kNative)},
      {"onnx", aeplugin::OpenAutoencoder(modelPath, "", EngineKind::kOnnx)},
      {"torch", aeplugin::OpenAutoencoder(modelPath, "", EngineKind::kTorch)}};
   std::vector<float> latents(jets.Count() * engines.front().second.fEncoder->Outputs());
   std::size_t multiplyAdds = 0;
   for (const auto &layer : engines.front().second.fModel.fEncoder)
      multiplyAdds += layer.fWeights.size();
   const std::string instructionSet = aeplugin::kernels::InstructionSets().front();
   const std::uint64_t peakMultiplyAdds = aeplugin::benchmarks::RunFmaPeak(instructionSet);

   std::vector<aeplugin::benchmarks::Measurement> measurements{
      {"peak", [&] { aeplugin::benchmarks::RunFmaPeak(instructionSet); }},
      {"reading alone: RNTuple, 1 thread", [&] { RunEventLoop(path, nullptr); }},
      {"reading alone: RNTuple, 2 threads", [&] { RunThreadedEventLoop(path, nullptr); }}};
   for (const auto &[name, autoencoder] : engines) {
      const Autoencoder *chosen = &autoencoder;
      const Engine &encoder = *autoencoder.fEncoder;
      measurements.push_back({name + ": alone, by event", [&] { RunPerEvent(encoder, jets, latents); }});
      for (const std::size_t batch : {64, 512, 4096})
         measurements.push_back(
            {name + ": alone, " + std::to_string(batch), [&, batch] { RunBatches(encoder, jets, batch, latents); }});
      measurements.push_back({name + ": Define, 1 thread", [&, chosen] { RunEventLoop(path, chosen); }});
      measurements.push_back({name + ": Define, 2 threads", [&, chosen] { RunThreadedEventLoop(path, chosen); }});
   }
   const std::string facts =
      "\"jets\": " + std::to_string(jets.Count()) + ", \"events\": " + std::to_string(jets.Events()) +
      ", \"multiply_adds\": " + std::to_string(multiplyAdds) +
      ", \"peak_multiply_adds\": " + std::to_string(peakMultiplyAdds) + ", \"instruction_set\": \"" + instructionSet +
      "\", \"root\": \"" + gROOT->GetVersion() + '"';
   aeplugin::benchmarks::ServeRounds(facts, measurements);
}

} // namespace

int main(int argc, char **argv)
{
   if (argc != 4) {
      std::cerr << "usage: engines MODEL EVENTS FOLDER\n";
      return 2;
   }
   try {
      Benchmark(argv[1], argv[2], argv[3]);
   } catch (const std::exception &error) {
      std::cerr << error.what() << '\n';
      return 1;
   }
   return 0;
}
