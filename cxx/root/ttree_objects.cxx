#include "nested.hxx"
#include "ttree_columns.hxx"

#include <aeplugin/error.hxx>

#include <TBranchElement.h>
#include <TClass.h>
#include <TStreamerElement.h>
#include <TStreamerInfo.h>

#include <string>

namespace aeplugin::rdf {
namespace {

/// An object of a class that ROOT knows by its name, made by ROOT: it has the layout of the type even where there is no
/// compiled dictionary.
class RootObject {
public:
   explicit RootObject(const std::string &className) : fClass(TClass::GetClass(className.c_str()))
   {
      if (fClass == nullptr || (fObject = fClass->New()) == nullptr)
         throw InputError("ROOT has no dictionary of " + className);
   }
   ~RootObject() { fClass->Destructor(fObject); }
   RootObject(const RootObject &) = delete;
   RootObject &operator=(const RootObject &) = delete;

   void *Get() const { return fObject; }
   void **Address() { return &fObject; }

private:
   TClass *fClass;
   void *fObject = nullptr;
};

/// A branch with a vector or a string, as such or as a member of a class.
template <typename Family, typename T, std::size_t Depth>
class ObjectColumn : public TreeColumn {
public:
   ObjectColumn(TBranchElement &branch, const std::string &className) : fBranch(branch), fObject(className)
   {
      if (branch.GetID() < 0) {
         branch.SetAddress(fObject.Address());
      } else {
         branch.SetMakeClass(true); // the member alone, without the object that it belongs to
         branch.SetAddress(fObject.Get());
      }
   }

   void Read(Long64_t first, std::size_t n, ColumnBlock &block) override
   {
      auto &values = ValuesOf<T>(block);
      for (Long64_t entry = first; entry < first + static_cast<Long64_t>(n); ++entry) {
         ReadEntry(fBranch, entry);
         AppendObject<T, Depth>(*static_cast<const Nested<Family, T, Depth> *>(fObject.Get()), block, values);
      }
   }

private:
   TBranchElement &fBranch;
   RootObject fObject;
};

/// A number that is a member of a class.
template <typename T>
class MemberColumn : public TreeColumn {
public:
   explicit MemberColumn(TBranchElement &branch) : fBranch(branch)
   {
      branch.SetMakeClass(true);
      branch.SetAddress(&fValue);
   }

   void Read(Long64_t first, std::size_t n, ColumnBlock &block) override
   {
      auto &values = ValuesOf<T>(block);
      for (Long64_t entry = first; entry < first + static_cast<Long64_t>(n); ++entry) {
         ReadEntry(fBranch, entry);
         values.push_back(fValue);
      }
   }

private:
   TBranchElement &fBranch;
   T fValue{};
};

template <typename T>
std::unique_ptr<TreeColumn> MakeColumn(const TableColumn &column, TBranchElement &branch)
{
   const std::string className = branch.GetTypeName();
   return VisitDepth(column.fDepth, [&](auto depth) -> std::unique_ptr<TreeColumn> {
      if constexpr (depth == 0 && !std::is_same_v<T, std::string>)
         return std::make_unique<MemberColumn<T>>(branch);
      else if (column.fShape == Shape::kRVec)
         return std::make_unique<ObjectColumn<RVecs, T, depth>>(branch, className);
      else
         return std::make_unique<ObjectColumn<StdVectors, T, depth>>(branch, className);
   });
}

/// ROOT keeps one layout per class and process. Where an earlier file had another version of a class without a
/// dictionary, ROOT converts members to what they were there, whatever we give it to fill.
/// \throws InputError for such a member
void RequireOwnLayout(TBranchElement &branch, const std::string &column)
{
   if (branch.GetID() < 0 || branch.GetInfo() == nullptr)
      return;
   const auto *element = static_cast<const TStreamerElement *>(branch.GetInfo()->GetElement(branch.GetID()));
   const bool sameClass = element->GetNewClass() == nullptr || element->GetNewClass() == element->GetClassPointer();
   if (!sameClass || element->GetNewType() != element->GetType())
      throw InputError("column '" + column + "': this process has read another version of the class " +
                       branch.GetClassName() + " from another file, and ROOT would mix them up; read this file in a " +
                       "process of its own");
}

} // namespace

std::unique_ptr<TreeColumn> MakeObjectColumn(const TableColumn &column, TBranch &branch)
{
   RequireOwnLayout(static_cast<TBranchElement &>(branch), column.fName);
   return VisitMemoryType(column.fType, [&](auto tag) {
      return MakeColumn<typename decltype(tag)::Type>(column, static_cast<TBranchElement &>(branch));
   });
}

} // namespace aeplugin::rdf
