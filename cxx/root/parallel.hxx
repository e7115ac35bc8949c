#ifndef AEPLUGIN_ROOT_PARALLEL_HXX
#define AEPLUGIN_ROOT_PARALLEL_HXX

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

namespace aeplugin::rdf {

/// Lets threads through one at a time, in the order of their numbers.
class Turnstile {
public:
   /// Waits for the turn of `number`, calls `work` alone, and passes the turn on.
   /// \throws std::runtime_error after Close()
   void Pass(std::uint64_t number, const std::function<void()> &work);
   /// Wakes those who wait for a turn that will never come, because another thread gave up.
   void Close();

private:
   std::mutex fMutex;
   std::condition_variable fTurn;
   std::uint64_t fNext = 0;
   bool fClosed = false;
};

/// As many threads as were asked for, or as there are cores up to a number at which memory stays bounded.
unsigned NumberOfThreads(unsigned asked);

/// Runs `work(0)`, `work(1)` ... in threads and waits for them; meanwhile calls `tick` in this one, several times a
/// second, and once at the end. Where any of them throws, `giveUp` is called, all are waited for, and the first
/// exception goes on from here.
void RunInThreads(unsigned threads, const std::function<void(unsigned)> &work, const std::function<void()> &tick,
                  const std::function<void()> &giveUp);

} // namespace aeplugin::rdf

#endif
