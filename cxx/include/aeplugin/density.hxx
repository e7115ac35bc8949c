#ifndef AEPLUGIN_DENSITY_HXX
#define AEPLUGIN_DENSITY_HXX

#include <aeplugin/network.hxx>
#include <aeplugin/quantiser.hxx>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace aeplugin {

/// What the integers of a variable are counted from, object by object.
enum class Location : std::uint8_t {
   kNone = 0,
   kFormula = 1,   ///< the integer that a formula in variables of the same object gives
   kDirection = 2, ///< that of the direction of the missing momentum
   kPrevious = 3   ///< that of the same variable of the object before
};

/// Where a feature comes from. Whatever it is, it is known before the variable that it helps to predict.
enum class Source : std::uint8_t {
   kEvent = 0,        ///< a variable that an event has once
   kCount = 1,        ///< the number of objects of a collection
   kIndex = 2,        ///< the position of the object among those of its collection and event, from 0
   kRemaining = 3,    ///< how many objects come from this one on
   kOwn = 4,          ///< another variable of the object
   kBack = 5,         ///< a variable of an object before
   kFirst = 6,        ///< a variable of the first object, for all others
   kMissing = 7,      ///< log of the momentum that the objects before leave unbalanced
   kActivity = 8,     ///< log of the sum of their transverse momenta
   kLongitudinal = 9, ///< the sum of their momenta along the beam by that of their sizes
   kPhase = 10        ///< how far from the location its integer is, in [-1/2, 1/2]
};

/// How the integer that a source has becomes a feature.
enum class View : std::uint8_t {
   kLinear = 0,
   kEquals = 1, ///< 1 for one integer, 0 for all others
   kSize = 2,   ///< without its sign
   kCosine = 3, ///< of an angle to the direction of the missing momentum
   kSine = 4,
   kSeparation = 5 ///< cosine of the angle between the same variable of two objects: this one and one before
};

/// One of the numbers that the network of a variable is given.
struct DensityFeature {
   Source fSource = Source::kIndex;
   View fView = View::kLinear;
   std::uint32_t fVariable = 0; ///< index of the variable that the source is about
   std::uint32_t fBack = 0;     ///< of Source::kBack: 1 for the object before
   Grid fCategory = 0;          ///< of View::kEquals
   float fFactor = 1;           ///< feature = raw factor + offset
   float fOffset = 0;
};

/// One of the integers of an event, and what its probability depends on.
struct DensityVariable {
   std::string fGroup;     ///< "Jet"
   std::string fVariable;  ///< "pt"; empty for the number of objects of the group
   std::string fColumn;    ///< in the file, "Jet_pt"
   Tolerance fTolerance;   ///< kExact for integers that are themselves
   bool fIsDouble = false; ///< whether the column is of type double, else float
   Location fLocation = Location::kNone;
   std::string fFormula;
   bool fPeriodic = false;       ///< the range is a full turn: what is counted from the location is wrapped into it
   Grid fFirst = 0;              ///< of the range
   std::uint32_t fRange = 0;     ///< number of integers, in units of 2^fShift
   std::uint8_t fShift = 0;      ///< lowest bits that are all alike
   bool fDescending = false;     ///< whether no object has more than the one before it
   std::uint32_t fWithin = kAll; ///< then: the variable of objects that must agree for that, or kAll
   std::vector<Grid> fAtoms;     ///< integers with probabilities of their own, in increasing order
   float fMiddle = 0;            ///< where, in the units of the range, and how wide the network's numbers mean
   float fSpread = 1;
   std::vector<DensityFeature> fFeatures;
   Network fNetwork;

   static constexpr std::uint32_t kAll = UINT32_MAX;

   bool IsCount() const { return fVariable.empty(); }
   std::string Describe() const; ///< for messages
   /// What the network tells apart beside the range: atoms, and where there are any, the range.
   std::size_t Categories() const { return fAtoms.empty() ? 0 : fAtoms.size() + (fRange > 0 ? 1 : 0); }
   /// Slices that the network cuts the range into; 0 where there is no range, or a network of too few outputs.
   std::size_t Slices() const;
   /// What a network gives that cuts the range into so many slices.
   std::size_t Outputs(std::size_t slices) const;
};

/// Variables of a collection, as indices, that are the momentum of its objects.
struct DensityMomentum {
   static constexpr std::uint32_t kNone = UINT32_MAX;

   std::uint32_t fPt = kNone;
   std::uint32_t fPhi = kNone;
   std::uint32_t fEta = kNone; ///< may be none
};

/// The probability of an event's grid integers, one after the other, each given all before: first the variables that an
/// event has once, then the numbers of objects, then collection by collection and object by object their variables.
struct Density {
   std::vector<DensityVariable> fVariables;
   std::vector<DensityMomentum> fMomenta;   ///< at most one per collection
   std::optional<DensityMomentum> fMissing; ///< the missing momentum of the event, without eta

   /// \throws ModelError where variables contradict each other or what they depend on is not known before them
   /// \param networks whether there must be networks; a density that is to be trained has none
   void Validate(const std::string &where = "model", bool networks = true) const;
};

/// That the probability of a range is made of, at most.
constexpr std::size_t kMostSlices = 16;

} // namespace aeplugin

#endif
