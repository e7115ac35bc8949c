#include "rans.hxx"

#include "../bytes.hxx"

#include <aeplugin/error.hxx>

#include <algorithm>

namespace aeplugin::density {
namespace {

constexpr std::size_t kHead = kStates * sizeof(std::uint64_t);

std::size_t LeastSize(std::size_t integers)
{
   return integers / kIntegersPerByte + (integers % kIntegersPerByte > 0 ? 1 : 0);
}

struct Division {
   std::uint64_t fQuotient;
   std::uint64_t fRest;
};

/// x / d for x < d << 39, exactly: the quotient of the doubles is off by less than 2^-12, so its integer by one at
/// most.
Division Divide(std::uint64_t x, std::uint64_t d)
{
   auto quotient = static_cast<std::int64_t>(static_cast<double>(static_cast<std::int64_t>(x)) /
                                             static_cast<double>(static_cast<std::int64_t>(d)));
   auto rest = static_cast<std::int64_t>(x) - quotient * static_cast<std::int64_t>(d);
   const std::int64_t less = rest < 0 ? 1 : 0;
   const std::int64_t more = rest >= static_cast<std::int64_t>(d) ? 1 : 0;
   quotient += more - less;
   rest -= (more - less) * static_cast<std::int64_t>(d);
   return {static_cast<std::uint64_t>(quotient), static_cast<std::uint64_t>(rest)};
}

} // namespace

void RansEncoder::Add(const std::uint32_t *starts, const std::uint32_t *frequencies, std::size_t rows)
{
   const std::size_t before = fSymbols.size();
   fSymbols.resize(before + rows);
   for (std::size_t row = 0; row < rows; ++row)
      fSymbols[before + row] = Symbol(starts[row], frequencies[row], row % kStates);
}

std::string RansEncoder::Finish(std::size_t integers)
{
   std::uint64_t states[kStates];
   std::fill_n(states, kStates, kLowestState);
   // Filled from the end. A symbol emits one word at most, and one more is written before it is known not to be
   // emitted.
   if (fWords.size() < fSymbols.size() + 1)
      fWords.resize(fSymbols.size() + 1);
   std::uint32_t *const end = fWords.data() + fWords.size();
   std::uint32_t *word = end;
   for (std::size_t i = fSymbols.size(); i-- > 0;) {
      const std::uint64_t symbol = fSymbols[i];
      const std::uint64_t start = symbol & (kTotal - 1);
      const std::uint64_t frequency = symbol >> 24 & (kTotal - 1);
      std::uint64_t &state = states[symbol >> 48];
      // Without a branch, which could not be foreseen.
      const bool isHigh = state >= frequency << 39;
      word[-1] = static_cast<std::uint32_t>(state);
      word -= isHigh ? 1 : 0;
      const std::uint64_t x = isHigh ? state >> 32 : state;
      const Division division = Divide(x, frequency);
      state = (division.fQuotient << kernels::kTotalBits) + division.fRest + start;
   }
   fSymbols.clear();
   const std::size_t used = static_cast<std::size_t>(end - word) * sizeof *word;
   std::string bytes;
   bytes.reserve(std::max(kHead + used, LeastSize(integers)));
   bytes.append(reinterpret_cast<const char *>(states), kHead);
   bytes.append(reinterpret_cast<const char *>(word), used);
   bytes.resize(std::max(bytes.size(), LeastSize(integers)));
   return bytes;
}

RansDecoder::RansDecoder(const char *data, std::size_t size, std::string where) : fWhere(std::move(where))
{
   ByteReader reader(data, size, fWhere);
   for (std::uint64_t &state : fStates) {
      state = reader.Value<std::uint64_t>("a state of the entropy coder");
      if (state < kLowestState || state >> 63 != 0)
         throw CorruptionError(fWhere + ": a state of the entropy coder is " + std::to_string(state) +
                               "; expected 2^31 to 2^63; the file is damaged");
   }
   fBegin = data + kHead;
   fNext = fBegin;
   fLast = data + size;
   fEnd = fBegin + reader.Left() / kWordSize * kWordSize;
}

void RansDecoder::Finish(std::size_t integers) const
{
   for (const std::uint64_t state : fStates)
      if (state != kLowestState)
         throw CorruptionError(fWhere + ": the entropy coder ends at " + std::to_string(state) +
                               "; expected 2^31; the file is damaged");
   const auto used = kHead + static_cast<std::size_t>(fNext - fBegin);
   const auto size = kHead + static_cast<std::size_t>(fLast - fBegin);
   const std::size_t expected = std::max(used, LeastSize(integers));
   if (size != expected || std::any_of(fNext, fLast, [](char byte) { return byte != 0; }))
      throw CorruptionError(fWhere + ": " + std::to_string(size - used) + " bytes are left; expected " +
                            std::to_string(expected - used) + " zeros; the file is damaged");
}

void RansDecoder::ThrowTruncated() const
{
   throw CorruptionError(fWhere + ": truncated: " + std::to_string(fEnd - fBegin) +
                         " bytes of words are not enough; the file is damaged");
}

} // namespace aeplugin::density
