#ifndef AEPLUGIN_ROOT_TERMINATE_SCOPE_HXX
#define AEPLUGIN_ROOT_TERMINATE_SCOPE_HXX

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <unistd.h>

namespace aeplugin::rdf {

/// What to do where ROOT calls std::terminate, which it does when the disk is full: its writers throw while an earlier
/// exception unwinds. Nothing can be saved then but the user's understanding and the space of the unfinished file.
class TerminateScope {
public:
   explicit TerminateScope(const std::string &temporaryPath)
   {
      Path() = temporaryPath;
      fPrevious = std::set_terminate([] {
         ::unlink(Path().c_str());
         std::fputs("error: the output cannot be written; is the disk full? Nothing is left behind.\n", stderr);
         std::_Exit(1);
      });
   }
   ~TerminateScope() { std::set_terminate(fPrevious); }
   TerminateScope(const TerminateScope &) = delete;
   TerminateScope &operator=(const TerminateScope &) = delete;

private:
   /// A terminate handler takes no arguments.
   static std::string &Path()
   {
      static std::string path;
      return path;
   }

   std::terminate_handler fPrevious;
};

} // namespace aeplugin::rdf

#endif
