#include "darkmachines_source.hxx"
#include "root_errors.hxx"
#include "write_table.hxx"

#include <aeplugin/atomic_file.hxx>

namespace aeplugin::rdf {

ConvertSummary Convert(const std::string &input, const std::string &output, const darkmachines::ReaderOptions &options,
                       TableFormat format, const Progress &progress)
{
   const SequentialScope sequential;
   auto source = std::make_unique<DarkMachinesSource>(input, options);
   const auto &reader = *source; // the data frame below owns it and lives as long
   const auto columns = source->GetColumnNames();
   AtomicFile target(output, input);
   ROOT::RDataFrame events(std::move(source));
   ConvertSummary summary;
   summary.fEvents = WithRootErrors(input, [&] {
      return WriteTable(events, "events", columns, target.TemporaryPath(), format, progress,
                        [&](std::uint64_t) { return reader.GetFractionRead(); });
   });
   summary.fBadLines = reader.GetBadLines();
   target.Commit();
   return summary;
}

} // namespace aeplugin::rdf
