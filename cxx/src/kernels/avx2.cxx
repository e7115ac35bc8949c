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

   static Floats Fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
};

} // namespace

const KernelSet &Avx2Kernels()
{
   static constexpr KernelSet kSet = MakeKernelSet<Avx2Lanes>();
   return kSet;
}

} // namespace aeplugin::kernels
