#include "row_visitors.hxx"

#include <aeplugin/error.hxx>

#include <algorithm>
#include <utility>

namespace aeplugin::density {

using kernels::Symbol;

/// The symbols of rows, and the bits below those of ranges.
struct RowSymbols {
   alignas(64) Symbol fSymbols[kMostRows];
   std::uint32_t fLowBits[kMostRows];
};

namespace {

/// The symbol of the atom that a residual is, as the kernels number them; else what it would be without atoms.
Symbol AtomOr(Symbol symbol, const DensityVariable &variable, Grid residual)
{
   const auto atom = std::lower_bound(variable.fAtoms.begin(), variable.fAtoms.end(), residual);
   return atom != variable.fAtoms.end() && *atom == residual
             ? static_cast<Symbol>(variable.fRange) + static_cast<Symbol>(atom - variable.fAtoms.begin())
             : symbol;
}

bool IsInRange(const DensityVariable &variable, Symbol symbol)
{
   return symbol >= 0 && symbol < static_cast<Symbol>(variable.fRange);
}

void FindSymbols(const PreparedDensity &density, const Rows &rows, RowSymbols &found)
{
   const DensityVariable &variable = density.Variable(rows.fVariable);
   const std::uint32_t mask = (std::uint32_t{1} << variable.fShift) - 1;
   const auto first = static_cast<std::uint32_t>(variable.fFirst >> variable.fShift);
   const auto range = static_cast<std::int32_t>(variable.fRange);
   Grid residuals[kMostRows];
   density.Residuals(rows.fVariable, rows.fIntegers, rows.fLocations, rows.fRows, residuals);
   for (std::size_t row = 0; row < rows.fRows; ++row) {
      // What is below the range becomes a large number, marks too, which are 2^30 below every range at least.
      const std::uint32_t index = static_cast<std::uint32_t>(residuals[row] >> variable.fShift) - first;
      const auto limit = static_cast<std::uint32_t>(rows.fLimits ? rows.fLimits[row] : range);
      found.fSymbols[row] = index < limit ? static_cast<Symbol>(index) : kernels::kEscapeSymbol;
      found.fLowBits[row] = static_cast<std::uint32_t>(residuals[row]) & mask;
   }
   for (std::size_t row = 0; !variable.fAtoms.empty() && row < rows.fRows; ++row)
      found.fSymbols[row] = AtomOr(found.fSymbols[row], variable, residuals[row]);
   std::fill(found.fSymbols + rows.fRows, found.fSymbols + kernels::PaddedWidth(rows.fRows), kernels::kEscapeSymbol);
}

} // namespace

RowEncoder::RowEncoder(Evaluator evaluator)
   : fEvaluator(std::move(evaluator)), fEncoders(fEvaluator.Density().Variables()), fIntegers(fEncoders.size()),
     fStreams(fEncoders.size())
{
}

void RowEncoder::Visit(const Rows &rows)
{
   const DensityVariable &variable = fEvaluator.Density().Variable(rows.fVariable);
   RowSymbols symbols;
   FindSymbols(fEvaluator.Density(), rows, symbols);
   std::uint32_t starts[kMostRows];
   std::uint32_t frequencies[kMostRows];
   fEvaluator.Kernels().fEncode(fEvaluator.Evaluate(rows), symbols.fSymbols, kernels::PaddedWidth(rows.fRows), starts,
                                frequencies);
   RansEncoder &encoder = fEncoders[rows.fVariable];
   const std::size_t together = variable.fShift == 0 ? rows.fRows : kStates;
   for (std::size_t first = 0; first < rows.fRows; first += together) {
      const std::size_t end = std::min(first + together, rows.fRows);
      encoder.Add(starts + first, frequencies + first, end - first);
      for (std::size_t row = first; variable.fShift > 0 && row < end; ++row)
         if (IsInRange(variable, symbols.fSymbols[row]))
            encoder.AddUniform(symbols.fLowBits[row], variable.fShift, row % kStates);
   }
   for (std::size_t row = 0; row < rows.fRows; ++row)
      if (symbols.fSymbols[row] == kernels::kEscapeSymbol)
         fStreams[rows.fVariable].fEscapes.push_back(rows.fIntegers[row]);
   fIntegers[rows.fVariable] += rows.fRows;
}

void RowEncoder::Expect(const CollectionVariables &collection, std::size_t objects)
{
   for (std::size_t i = collection.fBegin; i < collection.fEnd; ++i)
      fEncoders[i].Reserve(objects);
}

std::vector<Stream> RowEncoder::Finish()
{
   for (std::size_t i = 0; i < fStreams.size(); ++i) {
      const std::string bytes = fEncoders[i].Finish(std::exchange(fIntegers[i], 0));
      fStreams[i].fBytes.assign(bytes.begin(), bytes.end());
   }
   return std::exchange(fStreams, std::vector<Stream>(fStreams.size()));
}

RowDecoder::RowDecoder(Evaluator evaluator, const std::vector<bool> &visited, std::size_t events,
                       const std::vector<Stream> &streams)
   : fEvaluator(std::move(evaluator)), fVisited(visited), fStreams(streams), fDecoders(streams.size()),
     fIntegers(streams.size()), fEscapes(streams.size())
{
   for (std::size_t i = 0; i < streams.size(); ++i) {
      if (!visited[i])
         continue;
      const auto *bytes = reinterpret_cast<const char *>(streams[i].fBytes.data());
      fDecoders[i].emplace(bytes, streams[i].fBytes.size(), fEvaluator.Density().Variable(i).Describe());
      if (!fEvaluator.Density().CollectionOf(i))
         RequireRoom(i, events);
   }
}

void RowDecoder::RequireRoom(std::size_t variable, std::size_t integers)
{
   const std::size_t bytes = fStreams[variable].fBytes.size();
   if (integers / kIntegersPerByte > bytes)
      throw CorruptionError(fEvaluator.Density().Variable(variable).Describe() + ": a stream of " +
                            std::to_string(bytes) + " bytes cannot hold " + std::to_string(integers) + " integers");
   fIntegers[variable] = integers;
}

void RowDecoder::Expect(const CollectionVariables &collection, std::size_t objects)
{
   for (std::size_t i = collection.fBegin; i < collection.fEnd; ++i)
      if (fVisited[i])
         RequireRoom(i, objects);
}

Grid RowDecoder::Escape(std::size_t variable)
{
   const auto &escapes = fStreams[variable].fEscapes;
   if (fEscapes[variable] == escapes.size())
      throw CorruptionError(fEvaluator.Density().Variable(variable).Describe() +
                            ": there are fewer wide integers than escapes");
   return escapes[fEscapes[variable]++];
}

void RowDecoder::Visit(const Rows &rows)
{
   const DensityVariable &variable = fEvaluator.Density().Variable(rows.fVariable);
   const kernels::SlicesPlanes &planes = fEvaluator.Evaluate(rows);
   RansDecoder &decoder = *fDecoders[rows.fVariable];
   RowSymbols found;
   for (std::size_t first = 0; first < rows.fRows; first += kStates) {
      const std::size_t n = std::min(kStates, rows.fRows - first);
      std::uint32_t slots[kStates];
      std::uint32_t starts[kStates];
      std::uint32_t frequencies[kStates];
      Symbol *symbols = found.fSymbols + first;
      decoder.Peek(slots);
      fEvaluator.Kernels().fDecode(planes, first, slots, symbols, starts, frequencies);
      decoder.Advance(starts, frequencies, n);
      for (std::size_t k = 0; k < n; ++k)
         found.fLowBits[first + k] = IsInRange(variable, symbols[k]) ? decoder.Uniform(variable.fShift, k) : 0;
   }
   FindIntegers(rows, found);
}

void RowDecoder::FindIntegers(const Rows &rows, const RowSymbols &found)
{
   const DensityVariable &variable = fEvaluator.Density().Variable(rows.fVariable);
   const Grid first = variable.fFirst >> variable.fShift;
   const Grid unit = Grid{1} << variable.fShift;
   bool hasOthers = false;
   Grid residuals[kMostRows];
   for (std::size_t row = 0; row < rows.fRows; ++row) {
      const Symbol symbol = found.fSymbols[row];
      const bool isInRange = IsInRange(variable, symbol);
      hasOthers = hasOthers || !isInRange;
      residuals[row] = isInRange ? (first + symbol) * unit + static_cast<Grid>(found.fLowBits[row]) : 0;
   }
   for (std::size_t row = 0; hasOthers && row < rows.fRows; ++row) {
      const Symbol atom = found.fSymbols[row] - static_cast<Symbol>(variable.fRange);
      if (atom >= 0 && !IsMark(variable.fAtoms[static_cast<std::size_t>(atom)]))
         residuals[row] = variable.fAtoms[static_cast<std::size_t>(atom)];
   }
   fEvaluator.Density().Integers(rows.fVariable, residuals, rows.fLocations, rows.fRows, rows.fIntegers);
   for (std::size_t row = 0; hasOthers && row < rows.fRows; ++row) {
      const Symbol atom = found.fSymbols[row] - static_cast<Symbol>(variable.fRange);
      if (found.fSymbols[row] == kernels::kEscapeSymbol)
         rows.fIntegers[row] = Escape(rows.fVariable);
      else if (atom >= 0 && IsMark(variable.fAtoms[static_cast<std::size_t>(atom)]))
         rows.fIntegers[row] = variable.fAtoms[static_cast<std::size_t>(atom)];
   }
}

void RowDecoder::Finish() const
{
   for (std::size_t i = 0; i < fDecoders.size(); ++i) {
      if (!fDecoders[i])
         continue;
      fDecoders[i]->Finish(fIntegers[i]);
      if (fEscapes[i] != fStreams[i].fEscapes.size())
         throw CorruptionError(fEvaluator.Density().Variable(i).Describe() +
                               ": there are more wide integers than escapes");
   }
}

void RowBits::Visit(const Rows &rows)
{
   constexpr double kBitsOfEscape = 32; // the integer itself, beside its escape
   constexpr double kPerNat = 1.44269504088896338700;
   const DensityVariable &variable = fEvaluator.Density().Variable(rows.fVariable);
   RowSymbols symbols;
   FindSymbols(fEvaluator.Density(), rows, symbols);
   std::uint32_t starts[kMostRows];
   std::uint32_t frequencies[kMostRows];
   const std::size_t padded = kernels::PaddedWidth(rows.fRows);
   fEvaluator.Kernels().fEncode(fEvaluator.Evaluate(rows), symbols.fSymbols, padded, starts, frequencies);
   alignas(64) double bits[kMostRows];
   for (std::size_t row = 0; row < padded; ++row)
      bits[row] = frequencies[row];
   kernels::GetKernels(fEvaluator.Density().InstructionSet()).fDoubles.fLog(bits, padded);
   for (std::size_t row = 0; row < rows.fRows; ++row) {
      bits[row] = kernels::kTotalBits - bits[row] * kPerNat;
      if (symbols.fSymbols[row] == kernels::kEscapeSymbol)
         bits[row] += kBitsOfEscape;
      else if (IsInRange(variable, symbols.fSymbols[row]))
         bits[row] += variable.fShift;
   }
   fTake(rows, bits);
}

} // namespace aeplugin::density
