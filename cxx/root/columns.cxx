#include "columns.hxx"

#include <aeplugin/error.hxx>

#include <ROOT/RNTupleReader.hxx>
#include <TBranch.h>
#include <TFile.h>
#include <TKey.h>
#include <TTree.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

namespace aeplugin::rdf {
namespace {

bool IsLocal(const std::string &path)
{
   return path.find("://") == std::string::npos;
}

std::vector<std::string> TableNames(TFile &file)
{
   std::vector<std::string> names;
   for (const auto *object : *file.GetListOfKeys()) {
      const auto *key = static_cast<const TKey *>(object);
      const std::string type = key->GetClassName();
      const bool isTable = type == "TTree" || type == "TNtuple" || type == "TNtupleD" || type == "ROOT::RNTuple";
      if (isTable && std::string(key->GetName()) != kMetadata &&
          std::find(names.begin(), names.end(), key->GetName()) == names.end())
         names.emplace_back(key->GetName());
   }
   return names;
}

std::string Join(const std::vector<std::string> &names)
{
   std::string joined;
   for (const std::string &name : names)
      joined += (joined.empty() ? "" : ", ") + name;
   return joined.empty() ? "none" : joined;
}

} // namespace

void CheckIsRootFile(const std::string &path)
{
   if (!IsLocal(path))
      return;
   if (!std::filesystem::is_regular_file(path))
      throw InputError(path + ": " + (std::filesystem::exists(path) ? "is no file" : "no such file") +
                       "; expected a ROOT file");
   char magic[4] = {};
   std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
   if (std::string(magic, sizeof magic) != "root")
      throw InputError(path + ": not a ROOT file; `aeplugin convert` makes one from Dark Machines events");
}

Table FindTable(const std::string &path, const std::string &tree)
{
   CheckIsRootFile(path);
   const std::unique_ptr<TFile> file(TFile::Open(path.c_str(), "READ"));
   if (!file || file->IsZombie())
      throw InputError(path + ": cannot be opened as a ROOT file; it may be truncated");
   const auto names = TableNames(*file);
   if (tree.empty() && names.size() != 1)
      throw InputError(path + ": expected one TTree or RNTuple, found " + Join(names) +
                       "; name one as 'tree' in the recipe");
   Table table{tree.empty() ? names.front() : tree, 0, {}};
   if (std::find(names.begin(), names.end(), table.fName) == names.end())
      throw InputError(path + ": no TTree or RNTuple called '" + table.fName + "'; it has " + Join(names));

   if (std::string(file->GetKey(table.fName.c_str())->GetClassName()) != "ROOT::RNTuple") {
      auto *ttree = file->Get<TTree>(table.fName.c_str());
      table.fEntries = static_cast<std::uint64_t>(ttree->GetEntries());
      for (const auto *branch : *ttree->GetListOfBranches())
         table.fColumns.emplace_back(branch->GetName());
   } else {
      const auto reader = ROOT::RNTupleReader::Open(table.fName, path);
      table.fEntries = reader->GetNEntries();
      for (const auto &field : reader->GetDescriptor().GetTopLevelFields())
         table.fColumns.push_back(field.GetFieldName());
   }
   return table;
}

bool IsSingleNumber(const std::string &type)
{
   return type.find('<') == std::string::npos;
}

bool IsDouble(const std::string &type)
{
   return type.find("ouble") != std::string::npos && type.find("Double32") == std::string::npos;
}

void RequireColumns(const std::vector<std::string> &present, const std::vector<std::string> &needed)
{
   for (const std::string &name : needed)
      if (std::find(present.begin(), present.end(), name) == present.end())
         throw RecipeError("the data have no column '" + name + "' that the model needs; they have " + Join(present));
}

} // namespace aeplugin::rdf
