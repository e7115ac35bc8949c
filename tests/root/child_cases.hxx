#ifndef AEPLUGIN_CHILD_CASES_HXX
#define AEPLUGIN_CHILD_CASES_HXX

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace testing {

/// What came of a damaged file.
enum class Outcome : char { kRight, kError, kWrong, kForeign, kCrash, kHang };

/// Runs cases in a process of their own, a new one after each that ends it: what crashes or hangs is seen and counted.
/// Call it before any thread is started.
inline std::vector<Outcome> RunInChild(std::size_t cases, const std::function<Outcome(std::size_t)> &run)
{
   constexpr unsigned kSecondsPerCase = 10;
   constexpr rlim_t kMemory = rlim_t{4} << 30;
   std::vector<Outcome> outcomes;
   while (outcomes.size() < cases) {
      int ends[2];
      if (::pipe(ends) != 0)
         throw std::runtime_error("no pipe");
      const pid_t child = ::fork();
      if (child == 0) {
         for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
            ::signal(signal, SIG_DFL); // without ROOT's traces, which take seconds
         const int nowhere = ::open("/dev/null", O_WRONLY);
         ::dup2(nowhere, STDOUT_FILENO);
         ::dup2(nowhere, STDERR_FILENO);
         const rlimit memory{kMemory, kMemory};
         ::setrlimit(RLIMIT_AS, &memory);
         for (std::size_t i = outcomes.size(); i < cases; ++i) {
            ::alarm(kSecondsPerCase);
            const Outcome outcome = run(i);
            if (::write(ends[1], &outcome, 1) != 1)
               ::_exit(1);
         }
         ::_exit(0);
      }
      ::close(ends[1]);
      Outcome outcome;
      while (::read(ends[0], &outcome, 1) == 1)
         outcomes.push_back(outcome);
      ::close(ends[0]);
      int status = 0;
      ::waitpid(child, &status, 0);
      if (outcomes.size() < cases)
         outcomes.push_back(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? Outcome::kHang : Outcome::kCrash);
   }
   return outcomes;
}

} // namespace testing

#endif
