#ifndef AEPLUGIN_TESTS_MODEL_FILES_HXX
#define AEPLUGIN_TESTS_MODEL_FILES_HXX

#include "random_model.hxx"

#include "bytes.hxx"

#include <aeplugin/model.hxx>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

/// Model files as they are written down byte by byte, and comparisons of models.
namespace testing {

using aeplugin::ByteWriter;
using aeplugin::CollectionModel;
using aeplugin::Model;
using aeplugin::Rules;

inline const std::string kMagic("\x89"
                                "AEPM\r\n\x1a",
                                8);
inline const std::string kNoRules(8, '\0');
constexpr std::size_t kVersionAt = 8; ///< in a file
constexpr std::size_t kSectionsAt = 12;

inline Model SmallModel()
{
   Model model = RandomModel(RandomCollection(2, {3, 1}));
   model.fCollections.push_back(RandomCollection(1, {1}, 2, "Muon"));
   model.fRules.fCollections = {
      {"Jet",
       aeplugin::CodecKind::kAuto,
       {{"x0", "Jet_x0", {aeplugin::ToleranceKind::kRel, 0.02}, {-999, 0}, "x1"},
        {"x1", "Jet_x1", {aeplugin::ToleranceKind::kAbs, 0.01}, {}, ""}}},
      {"MET", aeplugin::CodecKind::kPlain, {{"MET", "MET", {aeplugin::ToleranceKind::kAbs, 10}, {}, ""}}}};
   model.fRules.fDropped = {"trash", "old.column"};
   return model;
}

inline bool IsSameNetwork(const aeplugin::Network &a, const aeplugin::Network &b)
{
   return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto &x, const auto &y) {
      return x.fInputs == y.fInputs && x.fOutputs == y.fOutputs && x.fActivation == y.fActivation &&
             x.fWeights == y.fWeights && x.fBiases == y.fBiases && x.fGains == y.fGains && x.fShifts == y.fShifts;
   });
}

inline bool IsSameCollection(const CollectionModel &a, const CollectionModel &b)
{
   const auto sameColumn = [](const auto &x, const auto &y) {
      return x.fVariable == y.fVariable && x.fColumn == y.fColumn && x.fTransform == y.fTransform &&
             x.fMean == y.fMean && x.fScale == y.fScale && x.fFactor == y.fFactor && x.fOffset == y.fOffset &&
             x.fKnots == y.fKnots && x.fKnotsTo == y.fKnotsTo && x.fLabels == y.fLabels;
   };
   return a.fName == b.fName && a.fCondition == b.fCondition && IsSameNetwork(a.fEncoder, b.fEncoder) &&
          IsSameNetwork(a.fDecoder, b.fDecoder) &&
          std::equal(a.fColumns.begin(), a.fColumns.end(), b.fColumns.begin(), b.fColumns.end(), sameColumn);
}

inline bool IsSameRules(const Rules &a, const Rules &b)
{
   const auto sameColumn = [](const auto &x, const auto &y) {
      return x.fVariable == y.fVariable && x.fColumn == y.fColumn && x.fTolerance.fKind == y.fTolerance.fKind &&
             x.fTolerance.fValue == y.fTolerance.fValue && x.fSentinels == y.fSentinels && x.fFormula == y.fFormula;
   };
   const auto sameCollection = [&](const auto &x, const auto &y) {
      return x.fName == y.fName && x.fCodec == y.fCodec &&
             std::equal(x.fColumns.begin(), x.fColumns.end(), y.fColumns.begin(), y.fColumns.end(), sameColumn);
   };
   return a.fDropped == b.fDropped && std::equal(a.fCollections.begin(), a.fCollections.end(), b.fCollections.begin(),
                                                 b.fCollections.end(), sameCollection);
}

inline bool IsSame(const Model &a, const Model &b)
{
   return a.fRecipe == b.fRecipe && IsSameRules(a.fRules, b.fRules) && a.fTraining == b.fTraining &&
          std::equal(a.fCollections.begin(), a.fCollections.end(), b.fCollections.begin(), b.fCollections.end(),
                     IsSameCollection);
}

/// A file of the given sections, with right checksums.
inline std::string File(const std::vector<std::pair<std::string, std::string>> &sections, std::uint32_t version = 4)
{
   ByteWriter out;
   out.Raw(kMagic.data(), kMagic.size());
   out.Value(version);
   out.Value(static_cast<std::uint32_t>(sections.size()));
   for (const auto &[tag, payload] : sections) {
      out.Raw(tag.data(), tag.size());
      out.Value(aeplugin::Crc32(payload.data(), payload.size()));
      out.Value(std::uint64_t{payload.size()});
      out.Raw(payload.data(), payload.size());
   }
   return out.Take();
}

} // namespace testing

#endif
