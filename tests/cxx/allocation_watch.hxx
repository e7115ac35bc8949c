#ifndef AEPLUGIN_ALLOCATION_WATCH_HXX
#define AEPLUGIN_ALLOCATION_WATCH_HXX

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

/// Tells what hostile data make the library allocate. Replaces operator new: to be included once per executable.
namespace testing {

inline std::atomic<std::size_t> gLargestAllocation{0};
/// Larger ones fail, as on a machine without the memory.
inline std::atomic<std::size_t> gAllocationLimit{SIZE_MAX};

} // namespace testing

// Inlined, GCC would take malloc and delete for a mismatch.
[[gnu::noinline]] void *operator new(std::size_t size)
{
   std::size_t largest = testing::gLargestAllocation;
   while (size > largest && !testing::gLargestAllocation.compare_exchange_weak(largest, size)) {
   }
   if (size <= testing::gAllocationLimit)
      if (void *memory = std::malloc(size > 0 ? size : 1))
         return memory;
   throw std::bad_alloc();
}

/// As std::stable_sort asks for its buffer.
[[gnu::noinline]] void *operator new(std::size_t size, const std::nothrow_t &) noexcept
{
   try {
      return operator new(size);
   } catch (const std::bad_alloc &) {
      return nullptr;
   }
}

[[gnu::noinline]] void operator delete(void *memory) noexcept
{
   std::free(memory);
}

[[gnu::noinline]] void operator delete(void *memory, std::size_t) noexcept
{
   std::free(memory);
}

#endif
