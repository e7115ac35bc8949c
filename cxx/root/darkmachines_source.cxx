#include "darkmachines_source.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/rdf/darkmachines_source.hxx>

#include <ROOT/RDF/RColumnReaderBase.hxx>
#include <ROOT/RDF/Utils.hxx>
#include <ROOT/RVec.hxx>

#include <algorithm>

namespace aeplugin::rdf {
namespace {

using ROOT::VecOps::RVec;
using ReaderBase = ROOT::Detail::RDF::RColumnReaderBase;

/// One value per event.
template <typename T>
class ValueReader final : public ReaderBase {
public:
   ValueReader(const DarkMachinesSource &source, std::size_t column) : fSource(source), fColumn(column) {}

private:
   void *GetImpl(Long64_t entry) override
   {
      const auto event = static_cast<ULong64_t>(entry);
      const EventBlock &block = fSource.BlockOf(event);
      fValue = std::get<std::vector<T>>(block.fColumns[fColumn])[event - block.fFirstEvent];
      return &fValue;
   }

   const DarkMachinesSource &fSource;
   std::size_t fColumn;
   T fValue{};
};

/// The objects of an event. `Stored` differs from `T` for booleans, which a block keeps as bytes.
template <typename T, typename Stored = T>
class ObjectsReader final : public ReaderBase {
public:
   ObjectsReader(const DarkMachinesSource &source, std::size_t column, std::size_t collection)
      : fSource(source), fColumn(column), fCollection(collection)
   {
   }

private:
   void *GetImpl(Long64_t entry) override
   {
      const auto event = static_cast<ULong64_t>(entry);
      const EventBlock &block = fSource.BlockOf(event);
      const auto *values = std::get<std::vector<Stored>>(block.fColumns[fColumn]).data();
      const auto *offset = &block.fOffsets[fCollection][event - block.fFirstEvent];
      fValues.assign(values + offset[0], values + offset[1]);
      return &fValues;
   }

   const DarkMachinesSource &fSource;
   std::size_t fColumn;
   std::size_t fCollection;
   RVec<T> fValues;
};

/// The types under which a column may be read; RDataFrame hands over untyped pointers and would take any other for one.
template <typename... Accepted>
bool IsOneOf(const std::type_info &asked)
{
   return ((asked == typeid(Accepted)) || ...);
}

bool IsTypeOf(const ColumnSpec &column, const std::type_info &asked)
{
   const bool single = column.fCollection == ColumnSpec::kPerEvent;
   switch (column.fType) {
   case ColumnType::kUInt64:
      return single && IsOneOf<ULong64_t, std::uint64_t>(asked);
   case ColumnType::kInt32:
      return single ? IsOneOf<std::int32_t>(asked) : IsOneOf<RVec<std::int32_t>>(asked);
   case ColumnType::kFloat32:
      return single ? IsOneOf<float>(asked) : IsOneOf<RVec<float>>(asked);
   case ColumnType::kFloat64:
      return single && IsOneOf<double>(asked);
   case ColumnType::kBool:
      return !single && IsOneOf<RVec<bool>>(asked);
   default:
      return single && IsOneOf<std::string>(asked);
   }
}

} // namespace

void DarkMachinesSource::CheckType(const ColumnSpec &column, const std::type_info &asked) const
{
   if (!IsTypeOf(column, asked))
      throw InputError("column '" + column.fName + "' is of type " + GetTypeName(column.fName) + "; it is read as " +
                       ROOT::Internal::RDF::TypeID2TypeName(asked) + ", which RDataFrame does not convert");
}

DarkMachinesSource::DarkMachinesSource(std::string path, const darkmachines::ReaderOptions &options)
   : fPath(std::move(path)), fOptions(options), fSchema(darkmachines::MakeSchema(options.fLayout)),
     fReader(std::make_unique<darkmachines::Reader>(fPath, fOptions)) // so that a missing file is noticed here
{
   for (const ColumnSpec &column : fSchema.fColumns)
      fNames.push_back(column.fName);
}

std::size_t DarkMachinesSource::IndexOf(std::string_view name) const
{
   const auto found = std::find(fNames.begin(), fNames.end(), name);
   if (found == fNames.end())
      throw InputError("Dark Machines events have no column '" + std::string(name) + "'");
   return static_cast<std::size_t>(found - fNames.begin());
}

bool DarkMachinesSource::HasColumn(std::string_view name) const
{
   return std::find(fNames.begin(), fNames.end(), name) != fNames.end();
}

std::string DarkMachinesSource::GetTypeName(std::string_view name) const
{
   const ColumnSpec &column = fSchema.fColumns[IndexOf(name)];
   const std::string type = ValueTypeName(column.fType);
   return column.fCollection == ColumnSpec::kPerEvent ? type : "ROOT::VecOps::RVec<" + type + ">";
}

std::unique_ptr<ReaderBase> DarkMachinesSource::GetColumnReaders(unsigned int, std::string_view name,
                                                                 const std::type_info &asked)
{
   const std::size_t index = IndexOf(name);
   const ColumnSpec &column = fSchema.fColumns[index];
   CheckType(column, asked);
   if (column.fCollection == ColumnSpec::kPerEvent) {
      switch (column.fType) {
      case ColumnType::kUInt64:
         return std::make_unique<ValueReader<std::uint64_t>>(*this, index);
      case ColumnType::kString:
         return std::make_unique<ValueReader<std::string>>(*this, index);
      case ColumnType::kFloat64:
         return std::make_unique<ValueReader<double>>(*this, index);
      case ColumnType::kInt32:
         return std::make_unique<ValueReader<std::int32_t>>(*this, index);
      default:
         return std::make_unique<ValueReader<float>>(*this, index);
      }
   }
   const auto collection = static_cast<std::size_t>(column.fCollection);
   switch (column.fType) {
   case ColumnType::kBool:
      return std::make_unique<ObjectsReader<bool, std::uint8_t>>(*this, index, collection);
   case ColumnType::kInt32:
      return std::make_unique<ObjectsReader<std::int32_t>>(*this, index, collection);
   default:
      return std::make_unique<ObjectsReader<float>>(*this, index, collection);
   }
}

void DarkMachinesSource::Initialize()
{
   // The reader of the constructor serves the first event loop; later ones, also after one that an error ended, start
   // at the beginning again.
   if (!fReader || fStarted)
      fReader = std::make_unique<darkmachines::Reader>(fPath, fOptions);
}

void DarkMachinesSource::Finalize()
{
   fBadLines = fReader->GetBadLines();
   fReader.reset();
   fStarted = false;
   fBlocks.clear();
}

std::vector<std::pair<ULong64_t, ULong64_t>> DarkMachinesSource::GetEntryRanges()
{
   std::vector<std::pair<ULong64_t, ULong64_t>> ranges;
   fStarted = true;
   fBlocks.clear();
   EventBlock block;
   while (fBlocks.size() < fNSlots && fReader->Next(block)) {
      if (block.fEvents == 0)
         continue; // all of its lines were skipped
      ranges.emplace_back(block.fFirstEvent, block.fFirstEvent + block.fEvents);
      fBlocks.push_back(std::move(block));
   }
   return ranges;
}

const EventBlock &DarkMachinesSource::BlockOf(ULong64_t entry) const
{
   for (const EventBlock &block : fBlocks)
      if (entry - block.fFirstEvent < block.fEvents)
         return block;
   throw InputError(fPath + ": entry " + std::to_string(entry) + " is outside the blocks being read");
}

double DarkMachinesSource::GetFractionRead() const
{
   if (!fReader || fReader->GetFileSize() == 0)
      return 0;
   return static_cast<double>(fReader->GetBytesRead()) / static_cast<double>(fReader->GetFileSize());
}

ROOT::RDataFrame FromDarkMachines(const std::string &path, const darkmachines::ReaderOptions &options)
{
   return ROOT::RDataFrame(std::make_unique<DarkMachinesSource>(path, options));
}

} // namespace aeplugin::rdf
