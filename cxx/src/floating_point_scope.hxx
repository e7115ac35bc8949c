#ifndef AEPLUGIN_FLOATING_POINT_SCOPE_HXX
#define AEPLUGIN_FLOATING_POINT_SCOPE_HXX

#include <cstdint>

namespace aeplugin {

/// Rounds to nearest and keeps denormal numbers while it lives, whatever the host program has set: -ffast-math in any
/// shared library of a process makes denormal numbers zero. Only on x86; elsewhere it does nothing.
class FloatingPointScope {
public:
#if defined(__x86_64__)
   // In assembler, because it must clobber memory: else the compiler may move loads and arithmetic across it.
   FloatingPointScope()
   {
      constexpr std::uint32_t kDefault = 0x1f80; // exceptions masked, nothing else
      __asm__ volatile("stmxcsr %0\n\tldmxcsr %1" : "=m"(fCallers) : "m"(kDefault) : "memory");
   }
   ~FloatingPointScope() { __asm__ volatile("ldmxcsr %0" : : "m"(fCallers) : "memory"); }
#else
   FloatingPointScope() {}
   ~FloatingPointScope() {}
#endif
   FloatingPointScope(const FloatingPointScope &) = delete;
   FloatingPointScope &operator=(const FloatingPointScope &) = delete;

private:
#if defined(__x86_64__)
   std::uint32_t fCallers;
#endif
};

} // namespace aeplugin

#endif
