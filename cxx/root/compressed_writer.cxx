#include "compressed_writer.hxx"

#include "compressed_tables.hxx"

#include <ROOT/RField.hxx>
#include <ROOT/RNTupleFillStatus.hxx>
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleWriteOptions.hxx>

#include <algorithm>

namespace aeplugin::rdf {
namespace {

constexpr std::size_t kNoLimit = std::size_t{1} << 40;

/// Clusters end where we end them: a block is a cluster.
ROOT::RNTupleWriteOptions MakeOptions(int compression)
{
   ROOT::RNTupleWriteOptions options;
   options.SetCompression(static_cast<std::uint32_t>(compression));
   options.SetUseImplicitMT(ROOT::RNTupleWriteOptions::EImplicitMT::kOff);
   options.SetMaxUnzippedClusterSize(kNoLimit);
   options.SetApproxZippedClusterSize(kNoLimit / 2);
   return options;
}

/// The same integers with as many bytes each as their field has.
Integers FitField(Integers &&integers, unsigned bytes)
{
   return std::visit(
      [&](auto &&values) -> Integers {
         if (bytes == 1 || sizeof(values[0]) == bytes)
            return std::move(values);
         if (bytes == 2)
            return std::vector<std::uint16_t>(values.begin(), values.end());
         return std::vector<std::uint32_t>(values.begin(), values.end());
      },
      std::move(integers));
}

std::unique_ptr<ROOT::RNTupleModel> MakeBlockModel(const std::vector<StoredField> &fields)
{
   auto model = ROOT::RNTupleModel::CreateBare();
   const auto add = [&](const std::string &name, const std::string &type) {
      model->AddField(ROOT::RFieldBase::Create(name, type).Unwrap());
   };
   add(kEventsField, "std::uint32_t");
   add(kChecksumsField, "std::vector<std::uint32_t>");
   add(kSpecialField, "std::vector<std::uint8_t>");
   for (const StoredField &field : fields)
      add(field.fName, "std::vector<std::uint" + std::to_string(8 * field.fBytes) + "_t>");
   return model;
}

} // namespace

CompressedWriter::CompressedWriter(TFile &file, const std::string &table, const Layout &layout,
                                   std::vector<StoredField> fields, int compression)
   : fKept(KeptColumns(layout)), fKeptColumns(KeptIndices(layout)), fFields(std::move(fields))
{
   const auto options = MakeOptions(compression);
   fEventWriter = ROOT::RNTupleParallelWriter::Append(MakeNtupleModel(fKept), EventsName(table), file, options);
   fBlockWriter = ROOT::RNTupleParallelWriter::Append(MakeBlockModel(fFields), kBlocks, file, options);
}

CompressedWriter::Lane::Lane(CompressedWriter &writer)
   : fWriter(writer), fEvents(writer.fEventWriter->CreateFillContext()),
     fEventFiller(std::make_unique<NtupleEvents>(fEvents->CreateRawPtrWriteEntry(), writer.fKept)),
     fBlocks(writer.fBlockWriter->CreateFillContext()), fBlockEntry(fBlocks->CreateRawPtrWriteEntry())
{
}

void CompressedWriter::Lane::BindBlock(StoredBlock &stored, const std::vector<StoredField> &fields)
{
   fBlockEntry->BindRawPtr(kEventsField, &stored.fEvents);
   fBlockEntry->BindRawPtr(kChecksumsField, &stored.fChecksums);
   fBlockEntry->BindRawPtr(kSpecialField, &stored.fSpecial);
   fIntegers.assign(fWriter.fFields.size(), {});
   for (std::size_t i = 0; i < fWriter.fFields.size(); ++i) {
      const StoredField &field = fWriter.fFields[i];
      const auto found =
         std::find_if(fields.begin(), fields.end(), [&](const auto &other) { return other.fName == field.fName; });
      if (found != fields.end())
         fIntegers[i] = std::move(stored.fIntegers[static_cast<std::size_t>(found - fields.begin())]);
      fIntegers[i] = FitField(std::move(fIntegers[i]), field.fBytes);
      std::visit([&](auto &integers) { fBlockEntry->BindRawPtr(field.fName, &integers); }, fIntegers[i]);
   }
}

void CompressedWriter::Lane::Write(std::uint64_t number, const TableBlock &block, StoredBlock stored,
                                   const std::vector<StoredField> &fields)
{
   ROOT::RNTupleFillStatus status;
   fEventFiller->SetBlock(block, fWriter.fKeptColumns);
   for (std::size_t event = 0; event < stored.fEvents; ++event)
      fEvents->FillNoFlush(fEventFiller->Event(event), status);
   BindBlock(stored, fields);
   fBlocks->FillNoFlush(*fBlockEntry, status);
   fEvents->FlushColumns();
   fBlocks->FlushColumns();

   fWriter.fTurnstile.Pass(number, [&] {
      fEvents->FlushCluster();
      fBlocks->FlushCluster();
   });
}

void CompressedWriter::Close()
{
   fEventWriter->CommitDataset();
   fBlockWriter->CommitDataset();
   fEventWriter.reset();
   fBlockWriter.reset();
}

} // namespace aeplugin::rdf
