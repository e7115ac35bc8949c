#ifndef AEPLUGIN_DENSITY_BYTES_HXX
#define AEPLUGIN_DENSITY_BYTES_HXX

#include "../bytes.hxx"

#include <aeplugin/density.hxx>

#include <string>

/// The section of a density in model files (docs/model-file.md).
namespace aeplugin {

std::string DensityBytes(const Density &density);
/// \throws CorruptionError, CompatibilityError for bytes that are none
Density ReadDensity(ByteReader in, const std::string &where);

} // namespace aeplugin

#endif
