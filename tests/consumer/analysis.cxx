// A compiled RDataFrame analysis: functors with one and two threads and each engine; a compressed file, read directly.
#include <aeplugin/rdf/files.hxx>
#include <aeplugin/rdf/functors.hxx>
#include <aeplugin/rdf/open.hxx>

#include <ROOT/RDataFrame.hxx>

#include <cstdint>
#include <iostream>
#include <map>
#include <string>

namespace {

using ROOT::RVecF;

using Jets = std::map<std::uint64_t, RVecF>; // by event number: the order of the threads does not matter

/// The pt of the jets of every event.
Jets JetPt(ROOT::RDF::RNode frame)
{
   auto numbers = frame.Take<std::uint64_t>("event");
   auto values = frame.Take<RVecF>("Jet_pt");
   Jets result;
   for (std::size_t i = 0; i < numbers->size(); ++i)
      result[(*numbers)[i]] = (*values)[i];
   return result;
}

/// The reconstructed pt of the jets of every event.
Jets Reconstruct(const std::string &events, const std::string &model, const std::string &engine)
{
   const auto jets = aeplugin::OpenAutoencoder(model, "Jet", aeplugin::ParseEngineKind(engine));
   auto frame = ROOT::RDataFrame("events", events)
                   .Define("reco", aeplugin::rdf::Reconstruct<4>(jets), {"Jet_E", "Jet_pt", "Jet_eta", "Jet_phi"})
                   .Define("pt", [](const aeplugin::rdf::Columns &reco) { return reco[1]; }, {"reco"});
   auto numbers = frame.Take<ULong64_t>("rdfentry_");
   auto values = frame.Take<RVecF>("pt");
   Jets result;
   for (std::size_t i = 0; i < numbers->size(); ++i)
      result[(*numbers)[i]] = (*values)[i];
   return result;
}

bool SameBits(const Jets &a, const Jets &b)
{
   return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const auto &x, const auto &y) {
             return x.first == y.first && x.second.size() == y.second.size() &&
                    std::equal(x.second.begin(), x.second.end(), y.second.begin());
          });
}

double LargestDifference(const Jets &a, const Jets &b)
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

   aeplugin::rdf::Compress(argv[1], argv[3], aeplugin::Model::FromFile(argv[2]));
   const std::string plain = std::string(argv[3]) + ".plain.root";
   aeplugin::rdf::Decompress(argv[3], plain);
   const auto compressed = JetPt(aeplugin::Open(argv[3]));
   ROOT::DisableImplicitMT();
   std::cout << "read directly or decompressed, jets "
             << (SameBits(compressed, JetPt(ROOT::RDataFrame("events", plain))) ? "agree" : "DIFFER") << "\n";
   std::cout << "with one thread they " << (SameBits(compressed, JetPt(aeplugin::Open(argv[3]))) ? "agree" : "DIFFER")
             << "\n";
   std::uint64_t violations = 0;
   for (const auto &column : aeplugin::rdf::Verify(argv[3], {argv[1]}))
      violations += column.fComparison.fViolations;
   std::cout << violations << " values outside their tolerances\n";
}
