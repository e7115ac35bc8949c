#include "write_table.hxx"

#include <TROOT.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <unistd.h>

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

/// What to do where ROOT calls std::terminate, which it does when the disk is full: its writers throw while an earlier
/// exception unwinds. Nothing can be saved then but the user's understanding and the space of the unfinished file.
class TerminateScope {
public:
   explicit TerminateScope(const std::string &temporaryPath)
   {
      Path() = temporaryPath;
      fPrevious = std::set_terminate([] {
         ::unlink(Path().c_str());
         std::fputs("error: the output cannot be written; is the disk full? Nothing is left behind.\n", stderr);
         std::_Exit(1);
      });
   }
   ~TerminateScope() { std::set_terminate(fPrevious); }
   TerminateScope(const TerminateScope &) = delete;
   TerminateScope &operator=(const TerminateScope &) = delete;

private:
   /// A terminate handler takes no arguments.
   static std::string &Path()
   {
      static std::string path;
      return path;
   }

   std::terminate_handler fPrevious;
};

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
