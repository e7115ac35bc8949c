#include "ntuple_events.hxx"

#include "nested.hxx"

#include <ROOT/RFieldBase.hxx>

namespace aeplugin::rdf {
namespace {

std::string FieldType(const TableColumn &column)
{
   return column.fShape == Shape::kCountedArray ? "std::vector<" + ValueTypeName(column.fType) + ">" : column.fTypeName;
}

} // namespace

/// Where ROOT finds the values of a column for one event after the other.
class NtupleEvents::Source {
public:
   virtual ~Source() = default;
   virtual void Begin(const ColumnBlock &block) = 0;
   /// Where an event's object is. It may be somewhere else for the next event.
   virtual const void *Event(std::size_t event) = 0;
};

/// One value or as many as an array has, which ROOT can take out of the block.
template <typename T>
class NtupleEvents::FixedSource final : public Source {
public:
   explicit FixedSource(std::size_t size) : fSize(size) {}
   void Begin(const ColumnBlock &block) override { fValues = ValuesOf<T>(block).data(); }
   const void *Event(std::size_t event) override { return fValues + event * fSize; }

private:
   std::size_t fSize;
   const Stored<T> *fValues = nullptr;
};

/// A vector, of vectors perhaps.
template <typename Family, typename T, std::size_t Depth>
class NtupleEvents::VectorSource final : public Source {
public:
   void Begin(const ColumnBlock &block) override { fBlock = &block; }
   const void *Event(std::size_t event) override
   {
      AssignObject<T, Depth>(fObject, *fBlock, ValuesOf<T>(*fBlock), event);
      return &fObject;
   }

private:
   const ColumnBlock *fBlock = nullptr;
   Nested<Family, T, Depth> fObject;
};

std::unique_ptr<NtupleEvents::Source> NtupleEvents::MakeSource(const TableColumn &column)
{
   return VisitMemoryType(column.fType, [&](auto tag) {
      using T = typename decltype(tag)::Type;
      return VisitDepth(column.fDepth, [&](auto depth) -> std::unique_ptr<Source> {
         if (depth == 0 || column.fShape == Shape::kArray)
            return std::make_unique<FixedSource<T>>(depth == 0 ? 1 : column.fArraySize);
         if constexpr (depth > 0) {
            if (column.fShape == Shape::kRVec)
               return std::make_unique<VectorSource<RVecs, T, depth>>();
            return std::make_unique<VectorSource<StdVectors, T, depth>>();
         }
         return nullptr;
      });
   });
}

TableSchema WithFieldNames(TableSchema schema)
{
   std::vector<std::string> names;
   for (const TableColumn &column : schema)
      names.push_back(column.fName);
   names = FieldNames(names);
   for (std::size_t i = 0; i < schema.size(); ++i)
      schema[i].fName = names[i];
   return schema;
}

std::unique_ptr<ROOT::RNTupleModel> MakeNtupleModel(const TableSchema &schema)
{
   auto model = ROOT::RNTupleModel::CreateBare();
   for (const TableColumn &column : schema)
      model->AddField(ROOT::RFieldBase::Create(column.fName, FieldType(column)).Unwrap());
   return model;
}

NtupleEvents::NtupleEvents(std::unique_ptr<ROOT::Detail::RRawPtrWriteEntry> entry, const TableSchema &schema)
   : fEntry(std::move(entry))
{
   for (const TableColumn &column : schema) {
      fSources.push_back(MakeSource(column));
      fTokens.push_back(fEntry->GetToken(column.fName));
   }
}

NtupleEvents::~NtupleEvents() = default;

void NtupleEvents::SetBlock(const TableBlock &block, const std::vector<std::size_t> &columns)
{
   for (std::size_t i = 0; i < fSources.size(); ++i)
      fSources[i]->Begin(block.fColumns[columns[i]]);
}

ROOT::Detail::RRawPtrWriteEntry &NtupleEvents::Event(std::size_t event)
{
   for (std::size_t i = 0; i < fSources.size(); ++i)
      fEntry->BindRawPtr(fTokens[i], fSources[i]->Event(event));
   return *fEntry;
}

} // namespace aeplugin::rdf
