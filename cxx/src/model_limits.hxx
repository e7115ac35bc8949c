#ifndef AEPLUGIN_MODEL_LIMITS_HXX
#define AEPLUGIN_MODEL_LIMITS_HXX

#include <cstdint>

/// Far above what anybody trains, and low enough that a crafted file cannot ask for much memory.
namespace aeplugin {

constexpr std::uint32_t kMaxWidth = 65536;  ///< of a layer
constexpr std::uint32_t kMaxLayers = 64;    ///< of a network
constexpr std::uint32_t kMaxColumns = 4096; ///< of a collection
constexpr std::uint32_t kMaxCollections = 1000;
constexpr std::uint32_t kMinKnots = 2; ///< of a column
constexpr std::uint32_t kMaxKnots = 4096;
constexpr std::uint32_t kMaxLabels = 256;       ///< of a column
constexpr std::int32_t kLargestLabel = 1 << 24; ///< up to which a float holds every integer
constexpr std::uint32_t kMaxRules = 100'000;    ///< collections, columns of one, dropped columns
constexpr std::uint32_t kMaxVariables = 4096;   ///< of a density
constexpr std::uint32_t kMaxFeatures = 4096;    ///< of a variable
constexpr std::uint32_t kMaxAtoms = 1023;       ///< of a variable
constexpr std::uint32_t kMaxRange = 16384;      ///< of a variable
constexpr std::uint8_t kMaxShift = 16;          ///< of a variable

} // namespace aeplugin

#endif
