#include "write_table.hxx"

#include "terminate_scope.hxx"

#include <TROOT.h>

namespace aeplugin::rdf {
namespace {

constexpr ULong64_t kEventsPerReport = 2000;

ROOT::RDF::RSnapshotOptions MakeOptions(TableFormat format)
{
   ROOT::RDF::RSnapshotOptions options;
   options.fOutputFormat = format == TableFormat::kRNTuple ? ROOT::RDF::ESnapshotOutputFormat::kRNTuple
                                                           : ROOT::RDF::ESnapshotOutputFormat::kTTree;
   options.fCompressionAlgorithm = ROOT::RCompressionSetting::EAlgorithm::kZSTD;
   options.fCompressionLevel = 5;
   options.fLazy = true;
   return options;
}

} // namespace

SequentialScope::SequentialScope() : fThreads(ROOT::IsImplicitMTEnabled() ? ROOT::GetThreadPoolSize() : 0)
{
   if (fThreads > 0)
      ROOT::DisableImplicitMT();
}

SequentialScope::~SequentialScope()
{
   if (fThreads > 0)
      ROOT::EnableImplicitMT(fThreads);
}

std::uint64_t WriteTable(ROOT::RDF::RNode node, const std::string &name, const std::vector<std::string> &columns,
                         const std::string &path, TableFormat format, const Progress &progress,
                         const std::function<double(std::uint64_t)> &fractionDone)
{
   const TerminateScope onTerminate(path);
   auto entries = node.Count();
   if (progress)
      entries.OnPartialResult(kEventsPerReport, [&](ULong64_t &done) { progress(fractionDone(done)); });
   auto snapshot = node.Snapshot(name, path, columns, MakeOptions(format));
   snapshot.GetValue(); // runs the event loop
   return *entries;
}

} // namespace aeplugin::rdf
