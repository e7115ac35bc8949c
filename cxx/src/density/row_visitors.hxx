#ifndef AEPLUGIN_DENSITY_ROW_VISITORS_HXX
#define AEPLUGIN_DENSITY_ROW_VISITORS_HXX

#include "evaluator.hxx"
#include "rans.hxx"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace aeplugin::density {

/// The bytes of a variable's integers in a block.
struct Stream {
   std::vector<std::uint8_t> fBytes;
   std::vector<Grid> fEscapes; ///< integers that the density gives no place of their own, in coding order
};

struct RowSymbols;

/// Encodes what it visits. To be used again: its memory is large.
class RowEncoder final : public RowVisitor {
public:
   explicit RowEncoder(Evaluator evaluator);
   void Visit(const Rows &rows) override;
   void Expect(const CollectionVariables &collection, std::size_t objects) override;
   /// The stream of each variable, after which the encoder is as new.
   std::vector<Stream> Finish();

private:
   Evaluator fEvaluator;
   std::vector<RansEncoder> fEncoders;
   std::vector<std::size_t> fIntegers;
   std::vector<Stream> fStreams;
};

/// Decodes what it visits, from bytes that may be anything.
class RowDecoder final : public RowVisitor {
public:
   /// \param streams of each variable; those of variables that are not visited are not looked at
   /// \throws CorruptionError for streams that no encoder writes, as all other members
   RowDecoder(Evaluator evaluator, const std::vector<bool> &visited, std::size_t events,
              const std::vector<Stream> &streams);
   void Visit(const Rows &rows) override;
   void Expect(const CollectionVariables &collection, std::size_t objects) override;
   /// To be called at the end.
   void Finish() const;

private:
   /// Before anything of that size is allocated.
   void RequireRoom(std::size_t variable, std::size_t integers);
   Grid Escape(std::size_t variable);
   void FindIntegers(const Rows &rows, const RowSymbols &found);

   Evaluator fEvaluator;
   const std::vector<bool> &fVisited;
   const std::vector<Stream> &fStreams;
   std::vector<std::optional<RansDecoder>> fDecoders;
   std::vector<std::size_t> fIntegers; ///< that each stream holds
   std::vector<std::size_t> fEscapes;  ///< of each stream, used so far
};

/// Counts the bits of what it visits: -log2 of the probability of each integer.
class RowBits final : public RowVisitor {
public:
   /// Takes the bits of rows of a step.
   using Take = std::function<void(const Rows &rows, const double *bits)>;

   RowBits(Evaluator evaluator, Take take) : fEvaluator(std::move(evaluator)), fTake(std::move(take)) {}
   void Visit(const Rows &rows) override;

private:
   Evaluator fEvaluator;
   Take fTake;
};

} // namespace aeplugin::density

#endif
