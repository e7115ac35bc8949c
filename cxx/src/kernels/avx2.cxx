#include "kernel_set.hxx"

#include <immintrin.h>

namespace aeplugin::kernels {
namespace {

struct Avx2Lanes {
   static constexpr std::size_t kLanes = 8;
   static constexpr std::size_t kTileRows = 6;
   static constexpr std::size_t kTileVectors = 2;
   using Floats = float __attribute__((vector_size(32)));
   using Ints = int __attribute__((vector_size(32)));
   static constexpr std::size_t kDoubles = 4;
   using Doubles = double __attribute__((vector_size(32)));
   using Bits = std::uint64_t __attribute__((vector_size(32)));
   using Mask = std::int64_t __attribute__((vector_size(32)));
   using HalfFloats = float __attribute__((vector_size(16)));
   using HalfInts = std::int32_t __attribute__((vector_size(16)));

   static Floats Fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
   static Doubles Sqrt(Doubles x) { return _mm256_sqrt_pd(x); }
};

} // namespace

const KernelSet &Avx2Kernels()
{
   static constexpr KernelSet kSet = MakeKernelSet<Avx2Lanes>();
   return kSet;
}

} // namespace aeplugin::kernels
