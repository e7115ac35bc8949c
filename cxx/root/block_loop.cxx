#include "block_loop.hxx"

#include "parallel.hxx"

#include <TROOT.h>

#include <algorithm>
#include <atomic>
#include <numeric>

namespace aeplugin::rdf {

unsigned ThreadsFor(const CompressedFile &file, unsigned asked)
{
   return static_cast<unsigned>(std::clamp<std::size_t>(file.Blocks().size(), 1, NumberOfThreads(asked)));
}

void ForEachBlock(const std::shared_ptr<const CompressedFile> &file, unsigned threads, const Progress &progress,
                  const BlockWork &work)
{
   ROOT::EnableThreadSafety();
   const std::size_t blocks = file->Blocks().size();
   std::vector<std::size_t> columns(file->Schema().size());
   std::iota(columns.begin(), columns.end(), std::size_t{0});
   std::atomic<std::size_t> next{0};
   std::atomic<std::size_t> done{0};
   Turnstile turnstile;
   const auto decode = [&](unsigned thread) {
      CompressedReader reader(file);
      TableBlock block;
      for (std::size_t number = next++; number < blocks; number = next++) {
         reader.Read(number, columns, block);
         if (work.fParallel)
            work.fParallel(thread, number, block);
         if (work.fInOrder)
            turnstile.Pass(number, [&] { work.fInOrder(block); });
         ++done;
      }
   };
   const auto report = [&] {
      if (progress && blocks > 0)
         progress(static_cast<double>(done) / static_cast<double>(blocks));
   };
   RunInThreads(ThreadsFor(*file, threads), decode, report, [&] { turnstile.Close(); });
}

} // namespace aeplugin::rdf
