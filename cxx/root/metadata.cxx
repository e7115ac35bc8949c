#include "columns.hxx"
#include "root_errors.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/rdf/metadata.hxx>

#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleReader.hxx>
#include <ROOT/RNTupleWriter.hxx>
#include <TFile.h>
#include <TKey.h>

#include <memory>

namespace aeplugin::rdf {
namespace {

constexpr std::uint32_t kFormatVersion = 1;

/// Calls `visit(name, member)` for every field.
template <typename M, typename Visit>
void ForEachField(M &metadata, Visit &&visit)
{
   visit("format_version", metadata.fFormatVersion);
   visit("aeplugin_version", metadata.fAepluginVersion);
   visit("root_version", metadata.fRootVersion);
   visit("table", metadata.fTable);
   visit("column_names", metadata.fColumnNames);
   visit("column_types", metadata.fColumnTypes);
   visit("recipe", metadata.fRecipe);
   visit("model", metadata.fModel);
   visit("input_name", metadata.fInputName);
   visit("input_bytes", metadata.fInputBytes);
   visit("input_md5", metadata.fInputMd5);
}

} // namespace

void WriteMetadata(const std::string &path, const Metadata &metadata)
{
   const std::unique_ptr<TFile> file(TFile::Open(path.c_str(), "UPDATE"));
   if (!file || file->IsZombie())
      throw InputError(path + ": cannot be opened for writing");
   auto model = ROOT::RNTupleModel::Create();
   ForEachField(metadata, [&](const char *name, const auto &value) {
      *model->MakeField<std::decay_t<decltype(value)>>(name) = value;
   });
   const auto writer = ROOT::RNTupleWriter::Append(std::move(model), kMetadata, *file);
   writer->Fill();
}

Metadata ReadMetadata(const std::string &path)
{
   if (!OpenForReading(path)->GetKey(kMetadata))
      throw CompatibilityError(path + ": not a compressed file: it has no '" + std::string(kMetadata) +
                               "' inside; `aeplugin compress` makes one");
   return WithRootErrors(path, [&] {
      const auto reader = ROOT::RNTupleReader::Open(kMetadata, path);
      if (reader->GetNEntries() == 0)
         throw CorruptionError(path + ": its metadata are empty");
      const auto version = reader->GetView<std::uint32_t>("format_version")(0);
      if (version != kFormatVersion)
         throw CompatibilityError(path + ": compressed file of version " + std::to_string(version) +
                                  "; this aeplugin reads version " + std::to_string(kFormatVersion));
      Metadata metadata;
      ForEachField(metadata, [&](const char *name, auto &value) {
         value = reader->GetView<std::decay_t<decltype(value)>>(name)(0);
      });
      return metadata;
   });
}

} // namespace aeplugin::rdf
