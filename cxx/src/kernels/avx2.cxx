#include "avx2_lanes.hxx"
#include "kernel_set.hxx"

namespace aeplugin::kernels {

const KernelSet &Avx2Kernels()
{
   static constexpr KernelSet kSet = MakeKernelSet<Avx2Lanes>();
   return kSet;
}

} // namespace aeplugin::kernels
