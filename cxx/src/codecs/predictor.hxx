#ifndef AEPLUGIN_CODEC_PREDICTOR_HXX
#define AEPLUGIN_CODEC_PREDICTOR_HXX

#include "codec.hxx"

#include <aeplugin/formula.hxx>

#include <optional>
#include <vector>

namespace aeplugin::codecs {

/// Predicts the columns of a group one after the other: by a formula in columns that are known before, or as zero.
class Predictor {
public:
   /// \throws CorruptionError for formulas in a circle or of unknown variables
   explicit Predictor(CodecInput input);

   const Group &GetGroup() const { return fInput.fGroup; }
   const Quantiser &QuantiserOf(std::size_t column) const { return fInput.fQuantisers[column]; }
   /// The columns in an order in which each stands after those that it is predicted from.
   const std::vector<std::size_t> &Order() const { return fOrder; }
   /// The columns that a column is predicted from.
   const std::vector<std::size_t> &ParentsOf(std::size_t column) const { return fParents[column]; }
   /// Adds to the `wanted` columns those that they are predicted from.
   std::vector<bool> WithParents(std::vector<bool> wanted) const;

   /// Grid integers predicted for a column of `objects` objects; its parents must be known. Zero where a parent has a
   /// special value, or the formula gives nothing on the grid.
   std::vector<Grid> Predict(std::size_t column, const GroupGrids &known, std::size_t objects) const;

private:
   CodecInput fInput;
   std::vector<std::optional<Formula>> fFormulas;
   std::vector<std::vector<std::size_t>> fParents;
   std::vector<std::size_t> fOrder;
};

} // namespace aeplugin::codecs

#endif
