#ifndef AEPLUGIN_ROOT_ROOT_ERRORS_HXX
#define AEPLUGIN_ROOT_ROOT_ERRORS_HXX

#include <aeplugin/error.hxx>

#include <exception>
#include <string>

namespace aeplugin::rdf {

/// Runs `work` and turns what ROOT throws into an InputError that begins with `path`.
template <typename Work>
auto WithRootErrors(const std::string &path, Work &&work)
{
   try {
      return work();
   } catch (const Error &) {
      throw;
   } catch (const std::exception &error) {
      const std::string what = error.what();
      throw InputError(path + ": ROOT cannot process it (" + what.substr(0, what.find('\n')) + ")");
   }
}

} // namespace aeplugin::rdf

#endif
