#ifndef AEPLUGIN_DENSITY_RANS_HXX
#define AEPLUGIN_DENSITY_RANS_HXX

#include "../kernels/density_calls.hxx"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

/// The entropy coder (docs/format.md, "Entropy coder"): range asymmetric numeral systems after J. Duda
/// (arXiv:1311.2540) with kStates interleaved states of 63 bits and words of 32.
namespace aeplugin::density {

constexpr std::size_t kStates = kernels::kDecodedRows;
constexpr std::uint64_t kLowestState = std::uint64_t{1} << 31;
constexpr std::uint32_t kTotal = std::uint32_t{1} << kernels::kTotalBits;
/// A stream has a byte for this many integers at least, so that its size bounds what its reader allocates.
constexpr std::size_t kIntegersPerByte = 512;

/// Collects symbols in the order in which the decoder will ask for them.
class RansEncoder {
public:
   /// Makes room for as many symbols.
   void Reserve(std::size_t symbols) { fSymbols.reserve(symbols); }

   /// A symbol whose place is [start, start + frequency), inside [0, kTotal), with 0 < frequency < kTotal.
   void Add(std::uint32_t start, std::uint32_t frequency, std::size_t state)
   {
      fSymbols.push_back(Symbol(start, frequency, state));
   }

   /// Such symbols of some rows, whose states take turns.
   void Add(const std::uint32_t *starts, const std::uint32_t *frequencies, std::size_t rows);

   /// `bits` (up to kTotalBits) bits that are all alike; none are no symbol.
   void AddUniform(std::uint32_t value, unsigned bits, std::size_t state)
   {
      if (bits > 0)
         Add(value << (kernels::kTotalBits - bits), kTotal >> bits, state);
   }

   /// The bytes of all symbols, after which the encoder is as new.
   /// \param integers that the stream holds
   std::string Finish(std::size_t integers);

private:
   static std::uint64_t Symbol(std::uint64_t start, std::uint64_t frequency, std::uint64_t state)
   {
      return start | frequency << 24 | state << 48;
   }

   std::vector<std::uint64_t> fSymbols;
   std::vector<std::uint32_t> fWords; ///< of the stream, while it is finished
};

/// Decodes symbols from bytes that may be anything: what does not fit is a CorruptionError.
class RansDecoder {
public:
   /// \param data must outlive the decoder
   /// \param where for messages
   /// \throws CorruptionError where there are fewer bytes than the states take, or a state is out of its range
   RansDecoder(const char *data, std::size_t size, std::string where);

   /// The slots of all states: each is in the place of the next symbol of its state.
   void Peek(std::uint32_t *slots) const
   {
      for (std::size_t state = 0; state < kStates; ++state)
         slots[state] = static_cast<std::uint32_t>(fStates[state]) & (kTotal - 1);
   }

   /// Takes the next symbol of a state, whose place is around the state's slot.
   /// \throws CorruptionError where words are missing
   void Advance(std::uint32_t start, std::uint32_t frequency, std::size_t state)
   {
      std::uint64_t x = Taken(start, frequency, fStates[state]);
      if (x < kLowestState) {
         if (fNext == fEnd)
            ThrowTruncated();
         x = x << 32 | WordAt(fNext);
         fNext += kWordSize;
      }
      fStates[state] = x;
   }

   /// The same for the first `rows` states, in their order.
   void Advance(const std::uint32_t *starts, const std::uint32_t *frequencies, std::size_t rows)
   {
      if (rows < kStates || static_cast<std::size_t>(fEnd - fNext) < kStates * kWordSize) {
         for (std::size_t state = 0; state < rows; ++state)
            Advance(starts[state], frequencies[state], state);
         return;
      }
      // Without branches, which could not be foreseen.
      const char *next = fNext;
      for (std::size_t state = 0; state < kStates; ++state) {
         const std::uint64_t x = Taken(starts[state], frequencies[state], fStates[state]);
         const bool isLow = x < kLowestState;
         fStates[state] = isLow ? x << 32 | WordAt(next) : x;
         next += isLow ? kWordSize : 0;
      }
      fNext = next;
   }

   /// Takes bits that are all alike.
   std::uint32_t Uniform(unsigned bits, std::size_t state)
   {
      if (bits == 0)
         return 0;
      const unsigned shift = kernels::kTotalBits - bits;
      const std::uint32_t value = (static_cast<std::uint32_t>(fStates[state]) & (kTotal - 1)) >> shift;
      Advance(value << shift, kTotal >> bits, state);
      return value;
   }

   /// To be called after the last symbol.
   /// \throws CorruptionError unless the states are where the encoder began and only the padding is left
   void Finish(std::size_t integers) const;

private:
   static constexpr std::size_t kWordSize = sizeof(std::uint32_t);

   static std::uint64_t Taken(std::uint32_t start, std::uint32_t frequency, std::uint64_t x)
   {
      return frequency * (x >> kernels::kTotalBits) + (x & (kTotal - 1)) - start;
   }
   static std::uint32_t WordAt(const char *from)
   {
      std::uint32_t word;
      std::memcpy(&word, from, sizeof word);
      return word;
   }
   [[noreturn]] void ThrowTruncated() const;

   const char *fBegin; ///< of the words
   const char *fNext;
   const char *fEnd;  ///< of the last whole word
   const char *fLast; ///< of all bytes
   std::uint64_t fStates[kStates] = {};
   std::string fWhere;
};

} // namespace aeplugin::density

#endif
