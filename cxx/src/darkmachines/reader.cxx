#include "block_parser.hxx"
#include "cutter.hxx"

#include <aeplugin/darkmachines.hxx>
#include <aeplugin/error.hxx>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace aeplugin::darkmachines {

namespace {

using internal::ParsedBlock;

/// What one turn of a worker gives.
struct Result {
   ParsedBlock fParsed;
   std::exception_ptr fError;
   std::uint64_t fBytesRead = 0;
};

} // namespace

/// Each worker in turn takes a ticket and cuts the next text from the file, then parses it while others cut; Next takes
/// the results in the order of the tickets. A ticket is only given while fewer than fResults.size() wait for Next.
class Reader::Pipeline {
public:
   Pipeline(const std::string &path, const ReaderOptions &options);
   ~Pipeline() { Stop(); }

   bool Next(EventBlock &block);

   const Schema fSchema;
   BadLines fBadLines;
   std::uint64_t fBytesRead = 0;
   std::uint64_t FileSize() const { return fCutter.FileSize(); }

private:
   void Start(std::size_t threads);
   void Stop();
   void Work();
   bool Cut(internal::Text &text, std::size_t &ticket, Result &result);
   bool TakeTicket(std::size_t &ticket);
   void Deliver(std::size_t ticket, Result &&result);
   std::optional<Result> TakeResult();
   void Account(const Result &result);
   std::string Where(const internal::LineDefect &defect) const;

   const std::string fPath;
   const ReaderOptions fOptions;
   std::atomic<bool> fStop{false};

   std::mutex fCutterMutex; ///< taken before fMutex where both are
   internal::Cutter fCutter;

   std::mutex fMutex; ///< guards what follows, up to the threads
   std::condition_variable fRoom, fReady;
   std::vector<std::optional<Result>> fResults; ///< by ticket, modulo their number
   std::size_t fGiven = 0;                      ///< tickets given to workers
   std::size_t fTaken = 0;                      ///< results taken by Next
   bool fAllCut = false;                        ///< no more tickets

   std::vector<std::thread> fThreads;

   // Only for the thread that calls Next.
   std::uint64_t fEventsBefore = 0, fLinesBefore = 0;
   std::exception_ptr fFailure; ///< after an error there is nothing but this error
};

Reader::Pipeline::Pipeline(const std::string &path, const ReaderOptions &options)
   : fSchema(MakeSchema(options.fLayout)), fPath(path), fOptions(options), fCutter(path, options.fBlockBytes, fStop)
{
   std::size_t threads = options.fThreads > 0 ? options.fThreads : std::thread::hardware_concurrency();
   threads = std::clamp<std::size_t>(threads, 1, 256);
   // A small file gives work to few.
   if (fCutter.FileSize() > 0 && !fCutter.IsGzip())
      threads = std::min<std::size_t>(threads, fCutter.FileSize() / std::max<std::size_t>(options.fBlockBytes, 1) + 1);
   fResults.resize(2 * threads);
   Start(threads);
}

void Reader::Pipeline::Start(std::size_t threads)
{
   fThreads.reserve(threads);
   try {
      while (fThreads.size() < threads)
         fThreads.emplace_back([this] { Work(); });
   } catch (const std::system_error &) {
      if (fThreads.empty()) // fewer threads than wished for do as well, only slower
         throw;
   }
}

void Reader::Pipeline::Stop()
{
   {
      const std::lock_guard<std::mutex> lock(fMutex);
      fStop = true;
   }
   fRoom.notify_all();
   for (auto &thread : fThreads)
      thread.join();
}

void Reader::Pipeline::Work()
{
   internal::BlockParser parser(fOptions.fLayout, fOptions.fSkipBadLines);
   internal::Text text;
   std::size_t ticket = 0;
   for (Result result; Cut(text, ticket, result); result = {}) {
      if (!result.fError) {
         try {
            result.fParsed = parser.Parse(text);
         } catch (...) {
            result.fError = std::current_exception();
         }
      }
      Deliver(ticket, std::move(result));
   }
}

/// The next text, or the error met on the way to it in `result`; false when there is nothing more to do.
bool Reader::Pipeline::Cut(internal::Text &text, std::size_t &ticket, Result &result)
{
   const std::lock_guard<std::mutex> cutterLock(fCutterMutex);
   if (!TakeTicket(ticket))
      return false;
   bool more = true;
   try {
      more = fCutter.Next(text);
      result.fBytesRead = fCutter.BytesRead();
   } catch (...) {
      result.fError = std::current_exception();
   }
   if (more)
      return true;
   {
      const std::lock_guard<std::mutex> lock(fMutex);
      fAllCut = true;
      --fGiven;
   }
   fReady.notify_all();
   return false;
}

bool Reader::Pipeline::TakeTicket(std::size_t &ticket)
{
   std::unique_lock<std::mutex> lock(fMutex);
   fRoom.wait(lock, [this] { return fStop || fAllCut || fGiven - fTaken < fResults.size(); });
   if (fStop || fAllCut)
      return false;
   ticket = fGiven++;
   return true;
}

void Reader::Pipeline::Deliver(std::size_t ticket, Result &&result)
{
   {
      const std::lock_guard<std::mutex> lock(fMutex);
      // After an error Next goes no further, so nothing more need be cut.
      fAllCut = fAllCut || result.fError || result.fParsed.fMalformed || result.fParsed.fNotThisKind;
      fResults[ticket % fResults.size()] = std::move(result);
   }
   fReady.notify_all();
}

/// The next result in file order; none at the end.
std::optional<Result> Reader::Pipeline::TakeResult()
{
   std::optional<Result> result;
   {
      std::unique_lock<std::mutex> lock(fMutex);
      auto &slot = fResults[fTaken % fResults.size()];
      fReady.wait(lock, [&] { return slot.has_value() || (fAllCut && fTaken == fGiven); });
      if (!slot)
         return result;
      result.swap(slot);
      ++fTaken;
   }
   fRoom.notify_one();
   return result;
}

std::string Reader::Pipeline::Where(const internal::LineDefect &defect) const
{
   return fPath + ":" + std::to_string(fLinesBefore + defect.fLine) + ": " + defect.fWhat;
}

/// Adds to the sums over the file, or throws what stopped the block.
void Reader::Pipeline::Account(const Result &result)
{
   if (result.fError)
      std::rethrow_exception(result.fError);
   const auto &parsed = result.fParsed;
   fBytesRead = result.fBytesRead;
   fBadLines.fCount += parsed.fBadLines;
   for (const auto &bad : parsed.fFirstBad) {
      if (fBadLines.fFirst.size() < internal::kMessagesKept)
         fBadLines.fFirst.push_back(Where(bad));
   }
   if (parsed.fNotThisKind)
      throw InputError(Where(*parsed.fNotThisKind));
   if (parsed.fMalformed)
      throw InputError(Where(*parsed.fMalformed) + " (malformed lines can also be skipped and counted: fSkipBadLines "
                                                   "in C++, --on-bad-line skip on the command line)");
   fLinesBefore += parsed.fLines;
}

bool Reader::Pipeline::Next(EventBlock &block)
{
   if (fFailure)
      std::rethrow_exception(fFailure);
   try {
      while (auto result = TakeResult()) {
         Account(*result);
         auto &events = result->fParsed.fEvents;
         if (events.fEvents == 0)
            continue;
         events.fFirstEvent = fEventsBefore;
         fEventsBefore += events.fEvents;
         block = std::move(events);
         return true;
      }
   } catch (...) {
      fFailure = std::current_exception();
      throw;
   }
   return false;
}

Reader::Reader(const std::string &path, const ReaderOptions &options)
   : fPipeline(std::make_unique<Pipeline>(path, options))
{
}

Reader::~Reader() = default;

const Schema &Reader::GetSchema() const
{
   return fPipeline->fSchema;
}

bool Reader::Next(EventBlock &block)
{
   return fPipeline->Next(block);
}

const BadLines &Reader::GetBadLines() const
{
   return fPipeline->fBadLines;
}

std::uint64_t Reader::GetBytesRead() const
{
   return fPipeline->fBytesRead;
}

std::uint64_t Reader::GetFileSize() const
{
   return fPipeline->FileSize();
}

} // namespace aeplugin::darkmachines
