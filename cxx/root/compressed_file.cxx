#include "columns.hxx"
#include "root_errors.hxx"
#include "write_table.hxx"

#include <aeplugin/atomic_file.hxx>
#include <aeplugin/engine.hxx>
#include <aeplugin/rdf/define.hxx>
#include <aeplugin/rdf/files.hxx>
#include <aeplugin/rdf/metadata.hxx>
#include <aeplugin/version.hxx>

#include <TFile.h>
#include <TMD5.h>
#include <TObjString.h>
#include <TROOT.h>

#include <algorithm>
#include <filesystem>
#include <memory>

namespace aeplugin::rdf {
namespace {

using ROOT::RDF::RNode;

/// Key of the recipe in a decompressed file.
constexpr char kRecipeKey[] = "aeplugin_recipe";

std::string Md5OfFile(const std::string &path)
{
   const std::unique_ptr<TMD5> sum(TMD5::FileChecksum(path.c_str()));
   return sum ? sum->AsString() : "";
}

Metadata MakeMetadata(const std::string &input, const Table &table, ROOT::RDataFrame &data, const Model &model)
{
   Metadata metadata;
   metadata.fAepluginVersion = Version();
   metadata.fRootVersion = gROOT->GetVersion();
   metadata.fTable = table.fName;
   metadata.fColumnNames = table.fColumns;
   for (const std::string &column : table.fColumns)
      metadata.fColumnTypes.push_back(data.GetColumnType(column));
   metadata.fRecipe = model.fRecipe;
   const std::string bytes = model.ToBytes();
   metadata.fModel.assign(bytes.begin(), bytes.end());
   metadata.fInputName = std::filesystem::path(input).filename().string();
   std::error_code notLocal;
   const auto size = std::filesystem::file_size(input, notLocal);
   if (!notLocal) {
      metadata.fInputBytes = size;
      metadata.fInputMd5 = Md5OfFile(input);
   }
   return metadata;
}

/// \throws InputError for a table that Snapshot cannot write and Decompress could not give back
void CheckTable(const std::string &path, const Table &table, ROOT::RDataFrame &data)
{
   if (table.fEntries == 0)
      throw InputError(path + ": '" + table.fName + "' has no events; there is nothing to compress");
   for (const std::string &column : table.fColumns) {
      if (!data.HasColumn(column))
         throw InputError(path + ": column '" + column + "' is a leaf list or a class, which cannot be compressed yet");
      if (column.find('.') != std::string::npos)
         throw InputError(path + ": column '" + column + "' has a dot in its name, which cannot be compressed yet");
   }
}

/// \throws RecipeError unless the columns of a collection are floating-point and all of one shape
void CheckTypes(ROOT::RDataFrame &data, const CollectionModel &collection)
{
   const auto names = collection.ColumnNames();
   for (const std::string &name : names) {
      const std::string type = data.GetColumnType(name);
      if (type.find("loat") == std::string::npos && !IsDouble(type))
         throw RecipeError("column '" + name + "' is of type " + type + "; a model compresses float and double");
      if (IsSingleNumber(type) != IsSingleNumber(data.GetColumnType(names.front())))
         throw RecipeError("column '" + name + "' is of type " + type + ", '" + names.front() + "' of type " +
                           data.GetColumnType(names.front()) + "; the columns of a collection have one shape");
   }
}

/// The columns with those of each collection replaced by its latents, where its first column stood.
std::vector<std::string> CompressedColumns(const std::vector<std::string> &columns, const Model &model)
{
   std::vector<std::string> result = columns;
   for (const CollectionModel &collection : model.fCollections) {
      const auto names = collection.ColumnNames();
      const auto isOne = [&](const std::string &column) {
         return std::find(names.begin(), names.end(), column) != names.end();
      };
      const auto first = std::find_if(result.begin(), result.end(), isOne);
      const auto latents = collection.LatentNames();
      const auto after =
         result.insert(first, latents.begin(), latents.end()) + static_cast<std::ptrdiff_t>(latents.size());
      result.erase(std::remove_if(after, result.end(), isOne), result.end());
   }
   return result;
}

/// Decoded columns are float; those that were double become double again.
RNode RestoreTypes(RNode node, const Metadata &metadata, const CollectionModel &collection)
{
   for (const std::string &name : collection.ColumnNames()) {
      const auto position = std::find(metadata.fColumnNames.begin(), metadata.fColumnNames.end(), name);
      if (position == metadata.fColumnNames.end())
         throw CorruptionError("the metadata do not list column '" + name + "' of the model");
      const auto &type = metadata.fColumnTypes[static_cast<std::size_t>(position - metadata.fColumnNames.begin())];
      if (IsDouble(type) && IsSingleNumber(type))
         node = node.Redefine(name, [](float value) { return static_cast<double>(value); }, {name});
      else if (IsDouble(type))
         node = node.Redefine(name, [](const ROOT::RVecF &values) { return ROOT::RVecD(values.begin(), values.end()); },
                              {name});
   }
   return node;
}

/// \throws InputError where a TTree could not hold a column: ROOT has no dictionary for vectors of vectors of all types
void CheckFitsTTree(const std::string &path, const Metadata &metadata)
{
   for (std::size_t i = 0; i < metadata.fColumnTypes.size(); ++i) {
      const std::string &type = metadata.fColumnTypes[i];
      if (type.find("ec") != std::string::npos && std::count(type.begin(), type.end(), '<') > 1)
         throw InputError(path + ": column '" + metadata.fColumnNames[i] + "' of type " + type +
                          " cannot go into a TTree; write an RNTuple");
   }
}

/// Leaves the recipe in a decompressed file, for the plots.
void WriteRecipe(const std::string &path, const std::string &recipe)
{
   const std::unique_ptr<TFile> file(TFile::Open(path.c_str(), "UPDATE"));
   if (!file || file->IsZombie())
      throw InputError(path + ": cannot be opened for writing");
   const TObjString text(recipe.c_str());
   if (file->WriteTObject(&text, kRecipeKey) == 0)
      throw InputError(path + ": cannot be written; is the disk full?");
}

std::function<double(std::uint64_t)> FractionOf(std::uint64_t entries)
{
   return [entries](std::uint64_t done) {
      return entries == 0 ? 1. : static_cast<double>(done) / static_cast<double>(entries);
   };
}

} // namespace

std::uint64_t Compress(const std::string &input, const std::string &output, const std::string &modelPath,
                       const std::string &tree, const Progress &progress)
{
   const SequentialScope sequential;
   const Model model = Model::FromFile(modelPath);
   AtomicFile target(output, input);
   return WithRootErrors(input, [&] {
      const Table table = FindTable(input, tree);
      ROOT::RDataFrame data(table.fName, input);
      CheckTable(input, table, data);
      RNode node = data;
      for (const CollectionModel &collection : model.fCollections) {
         RequireColumns(table.fColumns, collection.ColumnNames());
         CheckTypes(data, collection);
         node = DefineLatents(node, MakeAutoencoder(collection));
      }
      const auto entries =
         WriteTable(node, table.fName, CompressedColumns(table.fColumns, model), target.TemporaryPath(),
                    TableFormat::kRNTuple, progress, FractionOf(table.fEntries));
      WriteMetadata(target.TemporaryPath(), MakeMetadata(input, table, data, model));
      if (entries != table.fEntries || FindTable(target.TemporaryPath(), table.fName).fEntries != entries)
         throw CorruptionError(output + ": " + std::to_string(entries) + " entries were written of " +
                               std::to_string(table.fEntries) + "; nothing is kept");
      target.Commit();
      return entries;
   });
}

std::uint64_t Decompress(const std::string &input, const std::string &output, TableFormat format,
                         const Progress &progress)
{
   const SequentialScope sequential;
   const Metadata metadata = ReadMetadata(input);
   const Model model = Model::FromBytes(std::string(metadata.fModel.begin(), metadata.fModel.end()), input);
   if (metadata.fColumnNames.size() != metadata.fColumnTypes.size())
      throw CorruptionError(input + ": its metadata list " + std::to_string(metadata.fColumnNames.size()) +
                            " columns and " + std::to_string(metadata.fColumnTypes.size()) + " types");
   AtomicFile target(output, input);
   return WithRootErrors(input, [&] {
      const Table table = FindTable(input, metadata.fTable);
      if (format == TableFormat::kTTree)
         CheckFitsTTree(input, metadata);
      RNode node = ROOT::RDataFrame(table.fName, input);
      for (const CollectionModel &collection : model.fCollections)
         node = RestoreTypes(DefineDecoded(node, MakeAutoencoder(collection)), metadata, collection);
      const auto entries = WriteTable(node, table.fName, metadata.fColumnNames, target.TemporaryPath(), format,
                                      progress, FractionOf(table.fEntries));
      WriteRecipe(target.TemporaryPath(), metadata.fRecipe);
      target.Commit();
      return entries;
   });
}

Model ReadModel(const std::string &compressedPath)
{
   const Metadata metadata = ReadMetadata(compressedPath);
   return Model::FromBytes(std::string(metadata.fModel.begin(), metadata.fModel.end()), compressedPath);
}

} // namespace aeplugin::rdf
