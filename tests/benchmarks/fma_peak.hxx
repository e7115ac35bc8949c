#ifndef AEPLUGIN_BENCHMARKS_FMA_PEAK_HXX
#define AEPLUGIN_BENCHMARKS_FMA_PEAK_HXX

#include <cstdint>
#include <string>

namespace aeplugin::benchmarks {

/// Runs independent fused multiply-adds on registers, in the vectors of an instruction set of the reference kernels
/// ("avx512", "avx2"): as many as the CPU can do. Gives their number, counting every float; 0 for another one.
std::uint64_t RunFmaPeak(const std::string &instructionSet);

} // namespace aeplugin::benchmarks

#endif
