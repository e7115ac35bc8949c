#ifndef AEPLUGIN_DENSITY_HALF_HXX
#define AEPLUGIN_DENSITY_HALF_HXX

#include <cstdint>
#include <vector>

/// Numbers of 16 bits, IEEE 754 binary16, each of which a float holds exactly.
namespace aeplugin {

float FromHalf(std::uint16_t half);
/// The half that a float is exactly, where there is one. \return whether there is
bool ToHalf(float value, std::uint16_t &half);
/// Whether each of some floats is a half.
bool AreHalves(const std::vector<float> &values);

} // namespace aeplugin

#endif
