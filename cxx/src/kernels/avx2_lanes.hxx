#ifndef AEPLUGIN_KERNELS_AVX2_LANES_HXX
#define AEPLUGIN_KERNELS_AVX2_LANES_HXX

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <immintrin.h>

namespace aeplugin::kernels {
namespace {

struct Avx2Lanes {
   static constexpr std::size_t kLanes = 8;
   static constexpr std::size_t kTileRows = 6;
   static constexpr std::size_t kTileVectors = 2;
   static constexpr std::size_t kColumnsVectors = 3;
   using Floats = float __attribute__((vector_size(32)));
   using Ints = int __attribute__((vector_size(32)));
   static constexpr std::size_t kDoubles = 4;
   using Doubles = double __attribute__((vector_size(32)));
   using Bits = std::uint64_t __attribute__((vector_size(32)));
   using Mask = std::int64_t __attribute__((vector_size(32)));
   using HalfFloats = float __attribute__((vector_size(16)));
   using HalfInts = std::int32_t __attribute__((vector_size(16)));

   static Floats Fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
   /// a > b ? a : b: where one is a NaN, b
   static Floats Max(Floats a, Floats b) { return _mm256_max_ps(a, b); }
   /// a < b ? a : b
   static Floats Min(Floats a, Floats b) { return _mm256_min_ps(a, b); }
   // By single loads, which most processors do faster than they gather.
   static Ints Gather(const int *from, Ints at)
   {
      alignas(sizeof at) int places[kLanes];
      std::memcpy(places, &at, sizeof at);
      return Ints{from[places[0]], from[places[1]], from[places[2]], from[places[3]],
                  from[places[4]], from[places[5]], from[places[6]], from[places[7]]};
   }
   static Floats Gather(const float *from, Ints at)
   {
      alignas(sizeof at) int places[kLanes];
      std::memcpy(places, &at, sizeof at);
      return Floats{from[places[0]], from[places[1]], from[places[2]], from[places[3]],
                    from[places[4]], from[places[5]], from[places[6]], from[places[7]]};
   }
   static bool Any(Ints mask)
   {
      return _mm256_testz_si256(reinterpret_cast<__m256i>(mask), reinterpret_cast<__m256i>(mask)) == 0;
   }
   static Floats Sqrt(Floats x) { return _mm256_sqrt_ps(x); }
   static Doubles Sqrt(Doubles x) { return _mm256_sqrt_pd(x); }
};

} // namespace
} // namespace aeplugin::kernels

#endif
