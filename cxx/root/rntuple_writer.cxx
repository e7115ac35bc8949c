#include "ntuple_events.hxx"
#include "root_messages.hxx"
#include "table_writer.hxx"

#include <aeplugin/error.hxx>

#include <ROOT/RNTupleWriteOptions.hxx>
#include <ROOT/RNTupleWriter.hxx>

#include <numeric>
#include <string>
#include <vector>

namespace aeplugin::rdf {
namespace {

class NtupleTableWriter : public TableWriter {
public:
   NtupleTableWriter(TFile &file, const std::string &name, const TableSchema &schema, int compression)
      : fPath(file.GetName())
   {
      ROOT::RNTupleWriteOptions options;
      options.SetCompression(static_cast<std::uint32_t>(compression));
      const TableSchema fields = WithFieldNames(schema);
      fWriter = ROOT::RNTupleWriter::Append(MakeNtupleModel(fields), name, file, options);
      fEvents = std::make_unique<NtupleEvents>(fWriter->CreateRawPtrWriteEntry(), fields);
      fColumns.resize(schema.size());
      std::iota(fColumns.begin(), fColumns.end(), std::size_t{0});
   }

   ~NtupleTableWriter() override
   {
      const RootMessages messages; // the destructor tries once more to write what cannot be written
      fWriter.reset();
   }

   void Write(const TableBlock &block) override
   {
      WithWriteErrors(fPath, [&] {
         fEvents->SetBlock(block, fColumns);
         for (std::size_t event = 0; event < block.fEvents; ++event)
            fWriter->Fill(fEvents->Event(event));
      });
   }

   void Close() override
   {
      WithWriteErrors(fPath, [&] {
         fWriter->CommitDataset();
         fWriter.reset();
      });
   }

private:
   std::string fPath;
   std::vector<std::size_t> fColumns; ///< all, in their order
   std::unique_ptr<ROOT::RNTupleWriter> fWriter;
   std::unique_ptr<NtupleEvents> fEvents; ///< refers to the writer's model
};

} // namespace

std::unique_ptr<TableWriter> CreateNtuple(TFile &file, const std::string &name, const TableSchema &schema,
                                          int compression)
{
   std::unique_ptr<TableWriter> writer;
   WithWriteErrors(file.GetName(),
                   [&] { writer = std::make_unique<NtupleTableWriter>(file, name, schema, compression); });
   return writer;
}

} // namespace aeplugin::rdf
