#include "bit_estimate.hxx"

#include <array>
#include <cmath>
#include <cstdint>

namespace aeplugin {
namespace {

constexpr double kBitsOfSpecial = 32; ///< of an exact value beside its mark
constexpr std::size_t kLeading = 3;   ///< bits of a magnitude that count by their entropy

class Histogram {
public:
   void Add(std::int64_t value)
   {
      const auto magnitude = static_cast<std::uint64_t>(value < 0 ? -value : value);
      std::size_t length = 0;
      while (length < 63 && (magnitude >> length) != 0)
         ++length;
      const std::size_t lower = length > kLeading ? length - kLeading : 0;
      Count(((length << kLeading) | (magnitude >> lower)) * 2 + (value < 0 ? 1 : 0));
      fBits += static_cast<double>(lower);
   }
   void AddSpecial()
   {
      Count(fCounts.size() - 1);
      fBits += kBitsOfSpecial;
   }
   double Bits() const
   {
      double bits = fBits;
      for (const std::uint64_t count : fCounts)
         if (count > 0)
            bits -= static_cast<double>(count) * std::log2(static_cast<double>(count) / static_cast<double>(fTotal));
      return bits;
   }

private:
   void Count(std::size_t bucket)
   {
      ++fCounts[bucket];
      ++fTotal;
   }

   std::array<std::uint64_t, (64 << kLeading) * 2 + 1> fCounts{};
   std::uint64_t fTotal = 0;
   double fBits = 0;
};

} // namespace

double EstimateBits(const std::vector<Grid> &integers)
{
   Histogram histogram;
   for (const Grid value : integers)
      histogram.Add(value);
   return histogram.Bits();
}

double EstimateBits(const std::vector<Grid> &grid, const std::vector<Grid> &predicted)
{
   Histogram histogram;
   for (std::size_t i = 0; i < grid.size(); ++i) {
      if (IsMark(grid[i]))
         histogram.AddSpecial();
      else
         histogram.Add(std::int64_t{grid[i]} - predicted[i]);
   }
   return histogram.Bits();
}

} // namespace aeplugin
