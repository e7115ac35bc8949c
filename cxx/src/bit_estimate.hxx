#ifndef AEPLUGIN_BIT_ESTIMATE_HXX
#define AEPLUGIN_BIT_ESTIMATE_HXX

#include <aeplugin/quantiser.hxx>

#include <vector>

namespace aeplugin {

/// About how many bits an entropy coder needs for integers. Sign, magnitude and the two bits below the highest one are
/// counted by their entropy, lower bits in full, so that a sample needs not show every integer that occurs.
double EstimateBits(const std::vector<Grid> &integers);

/// The same for differences to predictions, and the bits of special values.
double EstimateBits(const std::vector<Grid> &grid, const std::vector<Grid> &predicted);

} // namespace aeplugin

#endif
