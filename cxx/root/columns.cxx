#include "columns.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/nearest.hxx>

#include <ROOT/RNTupleReader.hxx>
#include <TBranch.h>
#include <TError.h>
#include <TKey.h>
#include <TTree.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace aeplugin::rdf {
namespace {

void CheckMagic(const std::string &path)
{
   if (path.find("://") != std::string::npos)
      return;               // not a local file
   std::error_code ignored; // a path that cannot exist is one that does not
   const auto status = std::filesystem::status(path, ignored);
   if (!std::filesystem::is_regular_file(status))
      throw InputError(path + ": " + (std::filesystem::exists(status) ? "is no file" : "no such file") +
                       "; expected a ROOT file");
   char magic[4] = {};
   std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
   if (std::string(magic, sizeof magic) != "root")
      throw InputError(path + ": not a ROOT file; `aeplugin convert` makes one from Dark Machines events");
}

/// Silences ROOT's messages while it lives.
class QuietScope {
public:
   QuietScope() : fLevel(gErrorIgnoreLevel) { gErrorIgnoreLevel = kFatal; }
   ~QuietScope() { gErrorIgnoreLevel = fLevel; }
   QuietScope(const QuietScope &) = delete;
   QuietScope &operator=(const QuietScope &) = delete;

private:
   Int_t fLevel;
};

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

} // namespace

std::unique_ptr<TFile> OpenForReading(const std::string &path)
{
   CheckMagic(path);
   const QuietScope quiet; // what ROOT would print is in the exception
   std::unique_ptr<TFile> file(TFile::Open(path.c_str(), "READ"));
   // ROOT recovers what it can of a truncated file; half of the events under the name of all is no recovery.
   if (!file || file->IsZombie() || file->TestBit(TFile::kRecovered))
      throw InputError(path + ": truncated or damaged: ROOT cannot open it as a whole file; copy it again");
   return file;
}

Table FindTable(const std::string &path, const std::string &tree)
{
   const auto file = OpenForReading(path);
   const auto names = TableNames(*file);
   if (tree.empty() && names.size() != 1)
      throw InputError(path + ": expected one TTree or RNTuple, found " + std::to_string(names.size()) +
                       "; choose one (--tree, or 'tree' in the recipe)" + Nearest("", names));
   Table table{tree.empty() ? names.front() : tree, 0, {}};
   if (std::find(names.begin(), names.end(), table.fName) == names.end())
      throw InputError(path + ": no TTree or RNTuple called '" + table.fName + "'" + Nearest(table.fName, names));

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
         throw RecipeError("the data have no column '" + name + "' that the model needs" + Nearest(name, present));
}

} // namespace aeplugin::rdf
