#include "root_messages.hxx"

#include <TError.h>

#include <mutex>

namespace aeplugin::rdf {
namespace {

thread_local RootMessages *gInnermost = nullptr;
ErrorHandlerFunc_t gPrevious = nullptr;

void Handle(int level, Bool_t abort, const char *location, const char *message)
{
   if (gInnermost == nullptr || abort)
      gPrevious(level, abort, location, message);
   else if (level >= kError)
      gInnermost->Hear(std::string(location) + ": " + message);
}

} // namespace

RootMessages::RootMessages() : fOuter(gInnermost)
{
   static std::once_flag installed;
   std::call_once(installed, [] {
      gPrevious = GetErrorHandler();
      SetErrorHandler(&Handle);
   });
   gInnermost = this;
}

RootMessages::~RootMessages()
{
   gInnermost = fOuter;
}

void RootMessages::Hear(const std::string &error)
{
   if (fFirstError.empty())
      fFirstError = FirstLine(error);
}

} // namespace aeplugin::rdf
