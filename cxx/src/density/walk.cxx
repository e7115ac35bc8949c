#include "walk.hxx"

#include "../floating_point_scope.hxx"
#include "momentum.hxx"

#include <aeplugin/error.hxx>

#include <algorithm>
#include <cmath>
#include <limits>

namespace aeplugin::density {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

/// A walk through one block.
class BlockWalk {
public:
   BlockWalk(const PreparedDensity &density, const std::vector<bool> &visited, std::size_t events, RowVisitor &visitor,
             BlockIntegers &integers)
      : fDensity(density), fVisited(visited), fKernels(kernels::GetKernels(density.InstructionSet())), fEvents(events),
        fVisitor(visitor), fIntegers(integers), fCircles(density.Variables()), fHasMomenta(AreMomentaNeededFrom(0)),
        fBalance(fHasMomenta ? events : 0, fKernels)
   {
   }

   void WalkEvents()
   {
      for (std::size_t i = 0; i < fDensity.Variables(); ++i)
         if (fVisited[i] && !fDensity.CollectionOf(i)) {
            fIntegers[i].resize(fEvents);
            ResizeCircle(i, fEvents);
            for (std::size_t first = 0; first < fEvents; first += kMostRows)
               Step(i, 0, 0, first, std::min(kMostRows, fEvents - first));
         }
      if (fHasMomenta && fDensity.Get().fMissing) {
         const auto [pt, phi, eta] = *fDensity.Get().fMissing;
         fBalance.Begin(fDensity, fIntegers[pt].data(), fIntegers[phi].data(), fCircles[phi]);
      }
   }

   void WalkObjects(const CollectionVariables &collection)
   {
      if (std::none_of(fVisited.begin() + static_cast<std::ptrdiff_t>(collection.fBegin),
                       fVisited.begin() + static_cast<std::ptrdiff_t>(collection.fEnd), [](bool is) { return is; }))
         return;
      fCollection = &collection;
      const std::vector<Grid> &counts = fIntegers[collection.fCount];
      std::size_t objects = 0;
      for (const Grid count : counts) {
         if (count < 0)
            throw CorruptionError("an event has " + std::to_string(count) + " objects");
         objects += static_cast<std::size_t>(count);
      }
      fVisitor.Expect(collection, objects);
      const Ranking ranking(counts);
      fRanking = &ranking;
      RankEventVariables();
      if (fHasMomenta)
         fBalance.Reorder(ranking.Events());
      fAddsMomentum = collection.fMomentum && AreMomentaNeededFrom(collection.fBegin);
      for (std::size_t i = collection.fBegin; i < collection.fEnd; ++i)
         if (fVisited[i]) {
            fIntegers[i].resize(objects);
            ResizeCircle(i, objects);
         }
      for (std::size_t position = 0; position < ranking.Positions(); ++position)
         WalkPosition(position);
      if (fHasMomenta)
         fBalance.Restore(ranking.Events());
      fRanking = nullptr;
   }

private:
   /// Whether a variable from one on is predicted from momenta.
   bool AreMomentaNeededFrom(std::size_t first) const
   {
      for (std::size_t i = first; i < fDensity.Variables(); ++i)
         if (fVisited[i] && fDensity.NeedsMomenta(i))
            return true;
      return false;
   }

   /// Puts what events have once beside their objects, where these need it.
   void RankEventVariables()
   {
      std::vector<bool> isRanked(fDensity.Variables(), false);
      for (std::size_t i = fCollection->fBegin; i < fCollection->fEnd; ++i)
         for (const std::size_t other : fDensity.ContextOf(i))
            if (fVisited[i] && !isRanked[other] && !fDensity.CollectionOf(other)) {
               RankEventVariable(other);
               isRanked[other] = true;
            }
   }

   void RankEventVariable(std::size_t i)
   {
      const auto &events = fRanking->Events();
      fRanked.resize(fDensity.Variables());
      fRankedCircles.resize(fDensity.Variables());
      fRanked[i].resize(events.size());
      for (std::size_t row = 0; row < events.size(); ++row)
         fRanked[i][row] = fIntegers[i][events[row]];
      if (!fDensity.IsAngle(i))
         return;
      fRankedCircles[i].Resize(events.size());
      for (std::size_t row = 0; row < events.size(); ++row) {
         fRankedCircles[i].fCosines[row] = fCircles[i].fCosines[events[row]];
         fRankedCircles[i].fSines[row] = fCircles[i].fSines[events[row]];
      }
   }

   void ResizeCircle(std::size_t i, std::size_t n)
   {
      if (fDensity.IsAngle(i))
         fCircles[i].Resize(n);
   }

   /// Some rows variable by variable: so what is known of them stays in the fastest caches.
   void WalkPosition(std::size_t position)
   {
      const std::size_t start = fRanking->Start(position);
      const std::size_t rows = fRanking->Rows(position);
      for (std::size_t first = 0; first < rows; first += kMostRows) {
         const std::size_t n = std::min(kMostRows, rows - first);
         if (fHasMomenta)
            fBalance.Update(first, n);
         for (std::size_t i = fCollection->fBegin; i < fCollection->fEnd; ++i)
            if (fVisited[i])
               Step(i, position, start, first, n);
         if (fAddsMomentum)
            AddMomenta(*fCollection->fMomentum, start, first, n);
      }
   }

   void AddMomenta(const DensityMomentum &momentum, std::size_t start, std::size_t first, std::size_t n)
   {
      const auto integersOf = [&](std::size_t i) { return fIntegers[i].data() + start + first; };
      fBalance.Add(fDensity, momentum, integersOf(momentum.fPt), integersOf(momentum.fPhi),
                   momentum.fEta == DensityMomentum::kNone ? nullptr : integersOf(momentum.fEta),
                   fCircles[momentum.fPhi], start + first, first, n);
   }

   /// Codes one variable for `n` rows, up to kMostRows, from `first` on: of events, or of the objects at a position,
   /// the first of which has the place `start`.
   void Step(std::size_t i, std::size_t position, std::size_t start, std::size_t first, std::size_t n)
   {
      const DensityVariable &variable = fDensity.Variable(i);
      const std::size_t features = variable.fFeatures.size();
      Grid *integers = fIntegers[i].data() + start + first;
      fFeatures.resize(std::max(fFeatures.size(), features * kMostRows));
      Locate(i, position, first, n);
      Limit(i, position, first, n);
      for (std::size_t f = 0; f < features; ++f)
         FillFeature(variable.fFeatures[f], position, first, n, fFeatures.data() + f * kMostRows);
      fVisitor.Visit({i, position, first, n, fFeatures.data(), kMostRows, fLocations,
                      variable.fDescending ? fLimits : nullptr, integers});
      if (fDensity.IsAngle(i))
         fCircles[i].Fill(fDensity.QuantiserOf(i), integers, start + first, n, fKernels);
   }

   /// The place of a row's object at a position.
   std::size_t Place(std::size_t position, std::size_t row) const { return fRanking->Start(position) + row; }

   void Locate(std::size_t i, std::size_t position, std::size_t first, std::size_t n)
   {
      std::fill_n(fLocations, n, Grid{0});
      std::fill_n(fPhases, n, 0.f);
      switch (fDensity.Variable(i).fLocation) {
      case Location::kNone:
         return;
      case Location::kPrevious:
         for (std::size_t row = 0; position > 0 && row < n; ++row) {
            const Grid previous = fIntegers[i][Place(position - 1, first + row)];
            fLocations[row] = IsMark(previous) ? 0 : previous;
         }
         return;
      case Location::kDirection:
         fDensity.QuantiserOf(i).Locate(fBalance.Angle(), n, fLocations, fPhases);
         return;
      case Location::kFormula:
         LocateByFormula(i, position, first, n);
         return;
      }
   }

   /// Ends the range of each row at what the object before has, where that is to be of the same kind.
   void Limit(std::size_t i, std::size_t position, std::size_t first, std::size_t n)
   {
      const DensityVariable &variable = fDensity.Variable(i);
      if (!variable.fDescending)
         return;
      const auto range = static_cast<std::int32_t>(variable.fRange);
      std::fill_n(fLimits, kMostRows, range);
      if (position == 0)
         return;
      const Grid *before = fIntegers[i].data() + Place(position - 1, first);
      for (std::size_t row = 0; row < n; ++row) {
         const std::int64_t end =
            (std::int64_t{before[row]} >> variable.fShift) - (std::int64_t{variable.fFirst} >> variable.fShift) + 1;
         if (!IsMark(before[row]) && end > 0 && end <= range)
            fLimits[row] = static_cast<std::int32_t>(end);
      }
      if (variable.fWithin == DensityVariable::kAll)
         return;
      const Grid *kinds = fIntegers[variable.fWithin].data() + Place(position, first);
      const Grid *kindsBefore = fIntegers[variable.fWithin].data() + Place(position - 1, first);
      for (std::size_t row = 0; row < n; ++row)
         fLimits[row] = kinds[row] == kindsBefore[row] ? fLimits[row] : range;
   }

   void LocateByFormula(std::size_t i, std::size_t position, std::size_t first, std::size_t n)
   {
      const auto &parents = fDensity.FormulaVariables(i);
      fParents.resize(parents.size() * kMostRows);
      fPointers.clear();
      for (std::size_t k = 0; k < parents.size(); ++k) {
         double *values = fParents.data() + k * kMostRows;
         fDensity.QuantiserOf(parents[k]).Value(fIntegers[parents[k]].data() + Place(position, first), n, values);
         fPointers.push_back(values);
      }
      double results[kMostRows];
      fDensity.FormulaOf(i).Evaluate(fPointers.data(), n, results);
      fDensity.QuantiserOf(i).Locate(results, n, fLocations, fPhases);
   }

   void FillFeature(const DensityFeature &feature, std::size_t position, std::size_t first, std::size_t n, float *out)
   {
      const auto copy = [&](const float *values) { std::copy_n(values, n, out); };
      const auto fill = [&](float value) { std::fill_n(out, n, value); };
      switch (feature.fSource) {
      case Source::kEvent:
      case Source::kCount:
         FillFromEvent(feature, first, n, out);
         break;
      case Source::kIndex:
         ViewNumber(feature, static_cast<float>(position), n, out);
         return;
      case Source::kRemaining:
         for (std::size_t row = 0; row < n; ++row)
            ViewNumber(feature,
                       static_cast<float>(fRanked[fCollection->fCount][first + row] - static_cast<Grid>(position)), 1,
                       out + row);
         return;
      case Source::kOwn:
         FillFromObject(feature, position, position, first, n, out);
         return;
      case Source::kBack:
         if (position >= feature.fBack)
            FillFromObject(feature, position, position - feature.fBack, first, n, out);
         else
            fill(feature.fView == View::kEquals ? 0.f : kNone);
         return;
      case Source::kFirst:
         if (position > 0)
            FillFromObject(feature, position, 0, first, n, out);
         else
            fill(feature.fView == View::kEquals ? 0.f : kNone);
         return;
      case Source::kMissing:
         copy(fBalance.Missing());
         break;
      case Source::kActivity:
         copy(fBalance.Activity());
         break;
      case Source::kLongitudinal:
         copy(fBalance.Longitudinal());
         break;
      case Source::kPhase:
         std::copy_n(fPhases, n, out);
         break;
      }
      if (feature.fSource >= Source::kMissing && feature.fView == View::kSize)
         for (std::size_t row = 0; row < n; ++row)
            out[row] = std::abs(out[row]);
   }

   static void ViewNumber(const DensityFeature &feature, float number, std::size_t n, float *out)
   {
      const bool equals = feature.fView == View::kEquals;
      std::fill_n(out, n, equals ? static_cast<float>(number == static_cast<float>(feature.fCategory)) : number);
   }

   void FillFromEvent(const DensityFeature &feature, std::size_t first, std::size_t n, float *out)
   {
      const std::size_t v = feature.fVariable;
      const Grid *integers = (fRanking ? fRanked[v] : fIntegers[v]).data() + first;
      if (feature.fView == View::kCosine || feature.fView == View::kSine)
         Turn(feature, integers, fRankedCircles[v], first, n, out);
      else
         ViewIntegers(feature, integers, n, out);
   }

   void FillFromObject(const DensityFeature &feature, std::size_t position, std::size_t other, std::size_t first,
                       std::size_t n, float *out)
   {
      const std::size_t v = feature.fVariable;
      const std::size_t place = Place(other, first);
      const Grid *integers = fIntegers[v].data() + place;
      switch (feature.fView) {
      case View::kCosine:
      case View::kSine:
         Turn(feature, integers, fCircles[v], place, n, out);
         return;
      case View::kSeparation: {
         const std::size_t own = Place(position, first);
         const Circle &circle = fCircles[v];
         const double *cosines = circle.fCosines.data();
         const double *sines = circle.fSines.data();
         for (std::size_t row = 0; row < n; ++row)
            out[row] =
               static_cast<float>(cosines[own + row] * cosines[place + row] + sines[own + row] * sines[place + row]);
         BlankMarks(integers, n, out);
         BlankMarks(fIntegers[v].data() + own, n, out);
         return;
      }
      default:
         ViewIntegers(feature, integers, n, out);
      }
   }

   static void ViewIntegers(const DensityFeature &feature, const Grid *integers, std::size_t n, float *out)
   {
      if (feature.fView == View::kEquals) {
         for (std::size_t row = 0; row < n; ++row)
            out[row] = integers[row] == feature.fCategory ? 1.f : 0.f;
         return;
      }
      for (std::size_t row = 0; row < n; ++row)
         out[row] = static_cast<float>(integers[row]);
      BlankMarks(integers, n, out);
      if (feature.fView == View::kSize)
         for (std::size_t row = 0; row < n; ++row)
            out[row] = std::abs(out[row]);
   }

   /// Cosine or sine of angles, from `place` on in their circle, to the direction of the events.
   void Turn(const DensityFeature &feature, const Grid *integers, const Circle &circle, std::size_t place,
             std::size_t n, float *out) const
   {
      const double *x = fBalance.DirectionX();
      const double *y = fBalance.DirectionY();
      const double *cosines = circle.fCosines.data() + place;
      const double *sines = circle.fSines.data() + place;
      if (feature.fView == View::kCosine)
         for (std::size_t row = 0; row < n; ++row)
            out[row] = static_cast<float>(cosines[row] * x[row] + sines[row] * y[row]);
      else
         for (std::size_t row = 0; row < n; ++row)
            out[row] = static_cast<float>(sines[row] * x[row] - cosines[row] * y[row]);
      BlankMarks(integers, n, out);
   }

   /// In a loop of its own, which takes no branches.
   static void BlankMarks(const Grid *integers, std::size_t n, float *out)
   {
      for (std::size_t row = 0; row < n; ++row)
         out[row] = IsMark(integers[row]) ? kNone : out[row];
   }

   const PreparedDensity &fDensity;
   const std::vector<bool> &fVisited;
   const kernels::KernelSet &fKernels;
   const std::size_t fEvents;
   RowVisitor &fVisitor;
   BlockIntegers &fIntegers;
   std::vector<Circle> fCircles; ///< per variable that is an angle, as the integers
   const bool fHasMomenta;
   bool fAddsMomentum = false; ///< of the collection
   MomentumBalance fBalance;
   const CollectionVariables *fCollection = nullptr;
   const Ranking *fRanking = nullptr;     ///< while among objects
   BlockIntegers fRanked;                 ///< variables of events by rank
   std::vector<Circle> fRankedCircles;    ///< likewise
   std::vector<float> fFeatures;          ///< [feature][kMostRows]
   std::vector<double> fParents;          ///< [variable of a formula][kMostRows]
   std::vector<const double *> fPointers; ///< to them
   Grid fLocations[kMostRows];
   std::int32_t fLimits[kMostRows];
   float fPhases[kMostRows];
};

} // namespace

void Walk(const PreparedDensity &density, const std::vector<bool> &visited, std::size_t events, RowVisitor &visitor,
          BlockIntegers &integers)
{
   const FloatingPointScope scope;
   integers.resize(density.Variables());
   BlockWalk walk(density, visited, events, visitor, integers);
   walk.WalkEvents();
   for (const CollectionVariables &collection : density.Collections())
      walk.WalkObjects(collection);
}

} // namespace aeplugin::density
