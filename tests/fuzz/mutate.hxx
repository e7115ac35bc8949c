#ifndef AEPLUGIN_MUTATE_HXX
#define AEPLUGIN_MUTATE_HXX

#include <random>
#include <string>

namespace fuzz {

/// Damages bytes in a few places: bits, bytes, extreme integers, pieces that go, come twice, or come from `other`.
std::string Mutate(std::string bytes, const std::string &other, std::mt19937_64 &random);

} // namespace fuzz

#endif
