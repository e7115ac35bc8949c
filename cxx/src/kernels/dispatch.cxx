#include "kernels.hxx"

#include <aeplugin/error.hxx>

namespace aeplugin::kernels {
namespace {

struct NamedKernels {
   const char *fName;
   const KernelSet *fSet;
};

/// What this build and this CPU have, best first.
const std::vector<NamedKernels> &Available()
{
   static const std::vector<NamedKernels> kAvailable = [] {
      std::vector<NamedKernels> found;
#if defined(__x86_64__)
      if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma"))
         found.push_back({"avx512", &Avx512Kernels()});
      if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
         found.push_back({"avx2", &Avx2Kernels()});
#endif
      found.push_back({"generic", &GenericKernels()});
      return found;
   }();
   return kAvailable;
}

} // namespace

const KernelSet &GetKernels(const std::string &instructionSet)
{
   if (instructionSet.empty())
      return *Available().front().fSet;
   std::string names;
   for (const auto &kernels : Available()) {
      if (instructionSet == kernels.fName)
         return *kernels.fSet;
      names += std::string(names.empty() ? "" : ", ") + kernels.fName;
   }
   throw CompatibilityError("instruction set '" + instructionSet + "' is not available here; available are: " + names);
}

std::vector<std::string> InstructionSets()
{
   std::vector<std::string> names;
   for (const auto &kernels : Available())
      names.emplace_back(kernels.fName);
   return names;
}

} // namespace aeplugin::kernels
