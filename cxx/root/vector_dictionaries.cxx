#include "vector_dictionaries.hxx"

#include <TClass.h>
#include <TCollectionProxyInfo.h>
#include <TGenericClassInfo.h>
#include <TIsAProxy.h>

#include <cstddef>
#include <mutex>
#include <new>
#include <string>
#include <vector>

namespace aeplugin::rdf {
namespace {

/// What rootcling would generate for a vector.
template <typename Vector>
class Dictionary {
public:
   static void Add(const std::string &name)
   {
      if (const TClass *known = TClass::GetClass(name.c_str()); known != nullptr && known->IsLoaded())
         return;
      static const auto *kept = new std::string(name); // ROOT keeps the pointer
      auto &info = Info(kept->c_str());
      info.SetNew([](void *place) -> void * { return place != nullptr ? new (place) Vector : new Vector; });
      info.SetNewArray([](Long_t n, void *place) -> void * {
         const auto size = static_cast<std::size_t>(n);
         return place != nullptr ? new (place) Vector[size] : new Vector[size];
      });
      info.SetDelete([](void *vector) { delete static_cast<Vector *>(vector); });
      info.SetDeleteArray([](void *vectors) { delete[] static_cast<Vector *>(vectors); });
      info.SetDestructor([](void *vector) { static_cast<Vector *>(vector)->~Vector(); });
      using Collection = ROOT::Detail::TCollectionProxyInfo;
      info.AdoptCollectionProxyInfo(Collection::Generate(Collection::Pushback<Vector>()));
   }

private:
   /// ROOT keeps it until the end of the process.
   static ROOT::TGenericClassInfo &Info(const char *name)
   {
      constexpr int kVersion = -2; // of classes of the standard library
      constexpr int kLine = 1;
      Vector *type = nullptr;
      static auto *info = new ROOT::TGenericClassInfo(
         name, kVersion, "vector", kLine, typeid(Vector), ROOT::Internal::DefineBehavior(type, type),
         []() -> TClass * { return Info(nullptr).GetClass(); }, new TIsAProxy(typeid(Vector)), 0, sizeof(Vector));
      return *info;
   }
};

/// The vectors of vectors of T, and those of these.
template <typename T>
void Add(const std::string &name)
{
   const std::string twice = "vector<vector<" + name + "> >";
   Dictionary<std::vector<std::vector<T>>>::Add(twice);
   Dictionary<std::vector<std::vector<std::vector<T>>>>::Add("vector<" + twice + " >");
}

} // namespace

void AddVectorDictionaries()
{
   static std::once_flag added;
   std::call_once(added, [] {
      Add<bool>("bool");
      Add<char>("char");
      Add<unsigned char>("unsigned char");
      Add<short>("short");
      Add<unsigned short>("unsigned short");
      Add<int>("int");
      Add<unsigned int>("unsigned int");
      Add<long>("long");
      Add<unsigned long>("unsigned long");
      Add<float>("float");
      Add<double>("double");
      Add<std::string>("string");
   });
}

} // namespace aeplugin::rdf
