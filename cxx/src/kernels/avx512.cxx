#include "avx2_lanes.hxx"
#include "kernel_set.hxx"

#include <cstring>

#include <immintrin.h>

namespace aeplugin::kernels {
namespace {

struct Avx512Lanes {
   static constexpr std::size_t kLanes = 16;
   static constexpr std::size_t kTileRows = 6;
   static constexpr std::size_t kTileVectors = 4;
   static constexpr std::size_t kColumnsVectors = 4;
   using Floats = float __attribute__((vector_size(64)));
   using Ints = int __attribute__((vector_size(64)));
   static constexpr std::size_t kDoubles = 8;
   using Doubles = double __attribute__((vector_size(64)));
   using Bits = std::uint64_t __attribute__((vector_size(64)));
   using Mask = std::int64_t __attribute__((vector_size(64)));
   using HalfFloats = float __attribute__((vector_size(32)));
   using HalfInts = std::int32_t __attribute__((vector_size(32)));

   static Floats Fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
   // With masks of all lanes: for the functions without one GCC 12 warns of variables in its own header.
   /// a > b ? a : b: where one is a NaN, b
   static Floats Max(Floats a, Floats b) { return _mm512_maskz_max_ps(0xffff, a, b); }
   /// a < b ? a : b
   static Floats Min(Floats a, Floats b) { return _mm512_maskz_min_ps(0xffff, a, b); }
   static Ints Gather(const int *from, Ints at)
   {
      return Joined<Ints>(Avx2Lanes::Gather(from, Half(at, 0)), Avx2Lanes::Gather(from, Half(at, 1)));
   }
   static Floats Gather(const float *from, Ints at)
   {
      return Joined<Floats>(Avx2Lanes::Gather(from, Half(at, 0)), Avx2Lanes::Gather(from, Half(at, 1)));
   }
   static bool Any(Ints mask)
   {
      const auto bits = reinterpret_cast<__m512i>(mask);
      return _mm512_test_epi32_mask(bits, bits) != 0;
   }
   static Floats Sqrt(Floats x) { return _mm512_maskz_sqrt_ps(0xffff, x); }
   static Doubles Sqrt(Doubles x) { return _mm512_maskz_sqrt_pd(0xff, x); }

private:
   static Avx2Lanes::Ints Half(Ints x, std::size_t half)
   {
      Avx2Lanes::Ints halves[2];
      std::memcpy(halves, &x, sizeof x);
      return halves[half];
   }
   template <typename Whole, typename Part>
   static Whole Joined(Part low, Part high)
   {
      const auto lower = _mm512_maskz_broadcast_i64x4(0x0f, reinterpret_cast<__m256i>(low));
      return reinterpret_cast<Whole>(_mm512_mask_broadcast_i64x4(lower, 0xf0, reinterpret_cast<__m256i>(high)));
   }
};

} // namespace

const KernelSet &Avx512Kernels()
{
   // So few rows are decoded at once that vectors of eight are enough, and as what AVX2 has they are compiled better.
   static const KernelSet kSet = MakeKernelSet<Avx512Lanes>(Avx2Kernels().fSlices.fDecode);
   return kSet;
}

} // namespace aeplugin::kernels
