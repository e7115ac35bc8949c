#include "kernel_set.hxx"

#include <immintrin.h>

namespace aeplugin::kernels {
namespace {

struct Avx512Lanes {
   static constexpr std::size_t kLanes = 16;
   static constexpr std::size_t kTileRows = 6;
   static constexpr std::size_t kTileVectors = 4;
   using Floats = float __attribute__((vector_size(64)));
   using Ints = int __attribute__((vector_size(64)));
   static constexpr std::size_t kDoubles = 8;
   using Doubles = double __attribute__((vector_size(64)));
   using Bits = std::uint64_t __attribute__((vector_size(64)));
   using Mask = std::int64_t __attribute__((vector_size(64)));
   using HalfFloats = float __attribute__((vector_size(32)));
   using HalfInts = std::int32_t __attribute__((vector_size(32)));

   static Floats Fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
   // With a mask of all lanes: for the function without one GCC 12 warns of a variable in its own header.
   static Doubles Sqrt(Doubles x) { return _mm512_maskz_sqrt_pd(0xff, x); }
};

} // namespace

const KernelSet &Avx512Kernels()
{
   static constexpr KernelSet kSet = MakeKernelSet<Avx512Lanes>();
   return kSet;
}

} // namespace aeplugin::kernels
