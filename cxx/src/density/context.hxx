#ifndef AEPLUGIN_DENSITY_CONTEXT_HXX
#define AEPLUGIN_DENSITY_CONTEXT_HXX

#include "walk.hxx"

#include <vector>

namespace aeplugin::density {

/// What a variable's network is to learn from.
struct VariableContext {
   std::vector<float> fFeatures; ///< integers x features, before factor and offset; NaN for what is not there
   std::vector<Grid> fResiduals; ///< of the integers, see PreparedDensity::Residual
};

/// For each variable its context, in the order of events and their objects.
/// \param byEvent the integers of each variable
/// \throws InputError where their numbers do not fit together
std::vector<VariableContext> ContextOf(const PreparedDensity &density, const BlockIntegers &byEvent);

/// How many events a block of integers by event has.
/// \throws InputError where numbers of integers do not fit together
std::size_t CountEvents(const PreparedDensity &density, const BlockIntegers &byEvent);

} // namespace aeplugin::density

#endif
