#include "kernel_set.hxx"

#include <cmath>

namespace aeplugin::kernels {
namespace {

/// Any CPU: four lanes, and the standard library's fma, which is exact also where the hardware has none.
struct GenericLanes {
   static constexpr std::size_t kLanes = 4;
   static constexpr std::size_t kTileRows = 4;
   static constexpr std::size_t kTileVectors = 2;
   static constexpr std::size_t kColumnsVectors = 2;
   using Floats = float __attribute__((vector_size(16)));
   using Ints = int __attribute__((vector_size(16)));
   static constexpr std::size_t kDoubles = 2;
   using Doubles = double __attribute__((vector_size(16)));
   using Bits = std::uint64_t __attribute__((vector_size(16)));
   using Mask = std::int64_t __attribute__((vector_size(16)));
   using HalfFloats = float __attribute__((vector_size(8)));
   using HalfInts = std::int32_t __attribute__((vector_size(8)));

   static Floats Fma(Floats a, Floats b, Floats c)
   {
      Floats result{};
      for (std::size_t lane = 0; lane < kLanes; ++lane)
         result[lane] = std::fma(a[lane], b[lane], c[lane]);
      return result;
   }
   /// a > b ? a : b: where one is a NaN, b
   static Floats Max(Floats a, Floats b) { return a > b ? a : b; }
   /// a < b ? a : b
   static Floats Min(Floats a, Floats b) { return a < b ? a : b; }
   static Ints Gather(const int *from, Ints at)
   {
      Ints result{};
      for (std::size_t lane = 0; lane < kLanes; ++lane)
         result[lane] = from[at[lane]];
      return result;
   }
   static Floats Gather(const float *from, Ints at)
   {
      Floats result{};
      for (std::size_t lane = 0; lane < kLanes; ++lane)
         result[lane] = from[at[lane]];
      return result;
   }
   static bool Any(Ints mask) { return (mask[0] | mask[1] | mask[2] | mask[3]) != 0; }
   static Floats Sqrt(Floats x)
   {
      for (std::size_t lane = 0; lane < kLanes; ++lane)
         x[lane] = std::sqrt(x[lane]);
      return x;
   }
   static Doubles Sqrt(Doubles x)
   {
      for (std::size_t lane = 0; lane < kDoubles; ++lane)
         x[lane] = std::sqrt(x[lane]);
      return x;
   }
};

} // namespace

const KernelSet &GenericKernels()
{
   static constexpr KernelSet kSet = MakeKernelSet<GenericLanes>();
   return kSet;
}

} // namespace aeplugin::kernels
