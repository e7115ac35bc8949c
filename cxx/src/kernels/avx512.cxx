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

   static Floats Fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
};

} // namespace

const KernelSet &Avx512Kernels()
{
   static constexpr KernelSet kSet = MakeKernelSet<Avx512Lanes>();
   return kSet;
}

} // namespace aeplugin::kernels
