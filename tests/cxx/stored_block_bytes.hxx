#ifndef AEPLUGIN_TESTS_STORED_BLOCK_BYTES_HXX
#define AEPLUGIN_TESTS_STORED_BLOCK_BYTES_HXX

#include <aeplugin/block_coder.hxx>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <variant>

namespace testing {

/// Calls `visit(bytes, size)` for all that a stored block holds.
inline void ForEachMember(aeplugin::StoredBlock &stored, const std::function<void(void *, std::size_t)> &visit)
{
   visit(&stored.fEvents, sizeof stored.fEvents);
   visit(stored.fChecksums.data(), stored.fChecksums.size() * sizeof(std::uint32_t));
   visit(stored.fSpecial.data(), stored.fSpecial.size());
   for (auto &field : stored.fIntegers)
      std::visit([&](auto &values) { visit(values.data(), values.size() * sizeof(*values.data())); }, field);
}

} // namespace testing

#endif
