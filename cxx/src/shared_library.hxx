#ifndef AEPLUGIN_SHARED_LIBRARY_HXX
#define AEPLUGIN_SHARED_LIBRARY_HXX

#include <string>
#include <vector>

namespace aeplugin {

/// A library that is loaded at run time and stays loaded.
class SharedLibrary {
public:
   /// Tries the path in the environment variable `variable`, then `names` on the system's library path.
   /// \throws CompatibilityError with the loader's reason and `hint`
   SharedLibrary(const char *variable, const std::vector<std::string> &names, const std::string &hint);

   /// \throws CompatibilityError where the library has no such symbol
   template <typename Function>
   Function Get(const char *symbol) const
   {
      return reinterpret_cast<Function>(Find(symbol));
   }

private:
   void *Find(const char *symbol) const;

   void *fHandle = nullptr;
   std::string fName;
};

} // namespace aeplugin

#endif
