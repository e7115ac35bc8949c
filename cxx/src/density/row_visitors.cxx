#include "row_visitors.hxx"

#include <aeplugin/error.hxx>

#include <algorithm>

namespace aeplugin::density {
namespace {

using kernels::Symbol;

/// The symbols of rows, and the bits below those of ranges.
struct RowSymbols {
   alignas(64) Symbol fSymbols[kMostRows];
   std::uint32_t fLowBits[kMostRows];
};

/// A symbol as the kernels number them: integers of the range, then atoms, then the escape.
/// \param limit of the integers that the range has here
Symbol SymbolOf(const DensityVariable &variable, Grid residual, std::int32_t limit)
{
   const auto atom = std::lower_bound(variable.fAtoms.begin(), variable.fAtoms.end(), residual);
   if (atom != variable.fAtoms.end() && *atom == residual)
      return static_cast<Symbol>(variable.fRange) + static_cast<Symbol>(atom - variable.fAtoms.begin());
   if (IsMark(residual))
      return kernels::kEscapeSymbol;
   const std::int64_t index =
      (std::int64_t{residual} >> variable.fShift) - (std::int64_t{variable.fFirst} >> variable.fShift);
   return index >= 0 && index < limit ? static_cast<Symbol>(index) : kernels::kEscapeSymbol;
}

bool IsInRange(const DensityVariable &variable, Symbol symbol)
{
   return symbol >= 0 && symbol < static_cast<Symbol>(variable.fRange);
}

void FindSymbols(const PreparedDensity &density, const Rows &rows, RowSymbols &found)
{
   const DensityVariable &variable = density.Variable(rows.fVariable);
   const std::uint32_t mask = (std::uint32_t{1} << variable.fShift) - 1;
   const auto range = static_cast<std::int32_t>(variable.fRange);
   for (std::size_t row = 0; row < rows.fRows; ++row) {
      const Grid residual = density.Residual(rows.fVariable, rows.fIntegers[row], rows.fLocations[row]);
      found.fSymbols[row] = SymbolOf(variable, residual, rows.fLimits ? rows.fLimits[row] : range);
      found.fLowBits[row] = static_cast<std::uint32_t>(residual) & mask;
   }
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
   for (std::size_t first = 0; first < rows.fRows; first += kStates) {
      const std::size_t end = std::min(first + kStates, rows.fRows);
      for (std::size_t row = first; row < end; ++row)
         encoder.Add(starts[row], frequencies[row], row % kStates);
      for (std::size_t row = first; variable.fShift > 0 && row < end; ++row)
         if (IsInRange(variable, symbols.fSymbols[row]))
            encoder.AddUniform(symbols.fLowBits[row], variable.fShift, row % kStates);
   }
   for (std::size_t row = 0; row < rows.fRows; ++row)
      if (symbols.fSymbols[row] == kernels::kEscapeSymbol)
         fStreams[rows.fVariable].fEscapes.push_back(rows.fIntegers[row]);
   fIntegers[rows.fVariable] += rows.fRows;
}

std::vector<Stream> RowEncoder::Finish()
{
   for (std::size_t i = 0; i < fStreams.size(); ++i) {
      const std::string bytes = fEncoders[i].Finish(fIntegers[i]);
      fStreams[i].fBytes.assign(bytes.begin(), bytes.end());
   }
   return std::move(fStreams);
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
      fDecoders[i].emplace(bytes, streams[i].fBytes.size(), "a stream of the density");
      if (!fEvaluator.Density().CollectionOf(i))
         RequireRoom(i, events);
   }
}

void RowDecoder::RequireRoom(std::size_t variable, std::size_t integers)
{
   const std::size_t bytes = fStreams[variable].fBytes.size();
   if (integers / kIntegersPerByte > bytes)
      throw CorruptionError("a stream of " + std::to_string(bytes) + " bytes cannot hold " + std::to_string(integers) +
                            " integers");
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
      throw CorruptionError("there are fewer wide integers than escapes");
   return escapes[fEscapes[variable]++];
}

void RowDecoder::Visit(const Rows &rows)
{
   const PreparedDensity &density = fEvaluator.Density();
   const DensityVariable &variable = density.Variable(rows.fVariable);
   const auto range = static_cast<Symbol>(variable.fRange);
   const kernels::SlicesPlanes &planes = fEvaluator.Evaluate(rows);
   RansDecoder &decoder = *fDecoders[rows.fVariable];
   for (std::size_t first = 0; first < rows.fRows; first += kStates) {
      const std::size_t n = std::min(kStates, rows.fRows - first);
      std::uint32_t slots[kStates];
      std::uint32_t starts[kStates];
      std::uint32_t frequencies[kStates];
      Symbol symbols[kStates];
      decoder.Peek(slots);
      fEvaluator.Kernels().fDecode(planes, first, slots, symbols, starts, frequencies);
      decoder.Advance(starts, frequencies, n);
      for (std::size_t k = 0; k < n; ++k) {
         const Symbol symbol = symbols[k];
         const Grid location = rows.fLocations[first + k];
         Grid &integer = rows.fIntegers[first + k];
         if (IsInRange(variable, symbol)) {
            const std::int64_t index = (std::int64_t{variable.fFirst} >> variable.fShift) + symbol;
            const std::int64_t low = decoder.Uniform(variable.fShift, k);
            integer = density.Integer(rows.fVariable, index * (std::int64_t{1} << variable.fShift) + low, location);
         } else if (symbol == kernels::kEscapeSymbol) {
            integer = Escape(rows.fVariable);
         } else {
            const Grid atom = variable.fAtoms[static_cast<std::size_t>(symbol - range)];
            integer = IsMark(atom) ? atom : density.Integer(rows.fVariable, atom, location);
         }
      }
   }
}

void RowDecoder::Finish() const
{
   for (std::size_t i = 0; i < fDecoders.size(); ++i) {
      if (!fDecoders[i])
         continue;
      fDecoders[i]->Finish(fIntegers[i]);
      if (fEscapes[i] != fStreams[i].fEscapes.size())
         throw CorruptionError("there are more wide integers than escapes");
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
