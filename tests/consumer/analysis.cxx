// A compiled RDataFrame analysis: functors with one and two threads and each engine, latents and back.
#include <aeplugin/rdf/define.hxx>
#include <aeplugin/rdf/files.hxx>
#include <aeplugin/rdf/functors.hxx>

#include <ROOT/RDataFrame.hxx>

#include <iostream>
#include <map>
#include <string>

namespace {

using ROOT::RVecF;

/// The reconstructed pt of every jet by event number, so that the order of the threads does not matter.
std::map<ULong64_t, RVecF> Reconstruct(const std::string &events, const std::string &model, const std::string &engine)
{
   const auto jets = aeplugin::OpenAutoencoder(model, "Jet", aeplugin::ParseEngineKind(engine));
   auto frame = ROOT::RDataFrame("events", events)
                   .Define("reco", aeplugin::rdf::Reconstruct<4>(jets), {"Jet_E", "Jet_pt", "Jet_eta", "Jet_phi"})
                   .Define("pt", [](const aeplugin::rdf::Columns &reco) { return reco[1]; }, {"reco"});
   auto numbers = frame.Take<ULong64_t>("rdfentry_");
   auto values = frame.Take<RVecF>("pt");
   std::map<ULong64_t, RVecF> result;
   for (std::size_t i = 0; i < numbers->size(); ++i)
      result[(*numbers)[i]] = (*values)[i];
   return result;
}

bool SameBits(const std::map<ULong64_t, RVecF> &a, const std::map<ULong64_t, RVecF> &b)
{
   return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const auto &x, const auto &y) {
             return x.first == y.first && x.second.size() == y.second.size() &&
                    std::equal(x.second.begin(), x.second.end(), y.second.begin());
          });
}

double LargestDifference(const std::map<ULong64_t, RVecF> &a, const std::map<ULong64_t, RVecF> &b)
{
   double largest = 0;
   for (const auto &[event, values] : a)
      for (std::size_t i = 0; i < values.size(); ++i)
         if (const double difference = std::abs(double(b.at(event)[i]) / double(values[i]) - 1);
             !(difference <= largest))
            largest = difference; // also where it is NaN
   return largest;
}

} // namespace

int main(int argc, char **argv)
{
   if (argc != 4) {
      std::cerr << "usage: analysis EVENTS.root MODEL COMPRESSED.root\n";
      return 2;
   }
   const auto sequential = Reconstruct(argv[1], argv[2], "native");
   ROOT::EnableImplicitMT(2);
   const auto threaded = Reconstruct(argv[1], argv[2], "native");
   std::cout << sequential.size() << " events\n";
   std::cout << "threads " << (SameBits(sequential, threaded) ? "agree" : "DIFFER") << "\n";
   for (const std::string engine : {"onnx", "torch"})
      std::cout << engine << " differs by " << LargestDifference(sequential, Reconstruct(argv[1], argv[2], engine))
                << "\n";

   aeplugin::rdf::Compress(argv[1], argv[3], argv[2]);
   const auto model = aeplugin::rdf::ReadModel(argv[3]);
   auto decoded = aeplugin::rdf::DefineDecoded(ROOT::RDataFrame("events", argv[3]),
                                               aeplugin::MakeAutoencoder(model.Collection("Jet")));
   std::map<ULong64_t, RVecF> fromFile;
   auto numbers = decoded.Take<ULong64_t>("rdfentry_");
   auto values = decoded.Take<RVecF>("Jet_pt");
   for (std::size_t i = 0; i < numbers->size(); ++i)
      fromFile[(*numbers)[i]] = (*values)[i];
   std::cout << "file " << (SameBits(sequential, fromFile) ? "agrees" : "DIFFERS") << "\n";
}
