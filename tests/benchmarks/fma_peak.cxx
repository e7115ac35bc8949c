#include "fma_peak.hxx"

#if defined(__x86_64__)

#include <immintrin.h>

namespace aeplugin::benchmarks {
namespace {

constexpr std::uint64_t kIterations = 1'000'000; ///< some milliseconds: the best of many is nobody else's time
/// More than latency times throughput of any CPU, so that no sum waits for itself; fits the registers of AVX2.
constexpr std::size_t kSums = 12;

// The empty statements make the compiler believe that the sums are used, and keep it from merging them.

__attribute__((target("avx512f"))) std::uint64_t RunAvx512()
{
   const __m512 half = _mm512_set1_ps(0.5f);
   __m512 sums[kSums] = {};
   for (std::uint64_t i = 0; i < kIterations; ++i)
      for (auto &sum : sums) {
         sum = _mm512_fmadd_ps(sum, half, half);
         asm volatile("" : "+v"(sum));
      }
   return kIterations * kSums * 16;
}

__attribute__((target("avx2,fma"))) std::uint64_t RunAvx2()
{
   const __m256 half = _mm256_set1_ps(0.5f);
   __m256 sums[kSums] = {};
   for (std::uint64_t i = 0; i < kIterations; ++i)
      for (auto &sum : sums) {
         sum = _mm256_fmadd_ps(sum, half, half);
         asm volatile("" : "+x"(sum));
      }
   return kIterations * kSums * 8;
}

} // namespace

std::uint64_t RunFmaPeak(const std::string &instructionSet)
{
   return instructionSet == "avx512" ? RunAvx512() : instructionSet == "avx2" ? RunAvx2() : 0;
}

} // namespace aeplugin::benchmarks

#else

std::uint64_t aeplugin::benchmarks::RunFmaPeak(const std::string &)
{
   return 0;
}

#endif
