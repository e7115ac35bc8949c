#ifndef AEPLUGIN_KERNELS_ALIGNED_HXX
#define AEPLUGIN_KERNELS_ALIGNED_HXX

#include <cstddef>
#include <cstdint>
#include <vector>

namespace aeplugin::kernels {

/// Rows of activations and packed weights are padded to a multiple of this many floats: the widest vector.
constexpr std::size_t kAlign = 16;

constexpr std::size_t PaddedWidth(std::size_t width)
{
   return (width + kAlign - 1) / kAlign * kAlign;
}

/// Values of four bytes from a multiple of kAlign of them on: a vector that straddles two cache lines takes twice as
/// long to load.
template <typename T>
class AlignedValues {
public:
   AlignedValues() = default;
   explicit AlignedValues(std::size_t size) : fLines((size + kAlign - 1) / kAlign) {}

   std::size_t size() const { return fLines.size() * kAlign; } ///< padded
   T *data() { return fLines.empty() ? nullptr : fLines.front().fValues; }
   const T *data() const { return fLines.empty() ? nullptr : fLines.front().fValues; }

private:
   struct alignas(kAlign * sizeof(T)) Line {
      T fValues[kAlign] = {};
   };
   std::vector<Line> fLines;
};

using AlignedFloats = AlignedValues<float>;
using AlignedInts = AlignedValues<std::int32_t>;

} // namespace aeplugin::kernels

#endif
