#ifndef AEPLUGIN_DARKMACHINES_LAYOUT_HXX
#define AEPLUGIN_DARKMACHINES_LAYOUT_HXX

#include <aeplugin/darkmachines.hxx>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace aeplugin::darkmachines::internal {

constexpr std::size_t kKinds = 7;
constexpr std::size_t kMaxCollections = 4;

/// A collection and the column that tells its kinds of objects apart.
struct Collection {
   std::string fName;
   std::string fTag; ///< empty: all objects are of one kind
   ColumnType fTagType;
};

/// Where an object of one kind goes, and its value in the tag column.
struct Route {
   std::uint32_t fCollection;
   std::int32_t fTag;
};

struct LayoutTable {
   std::vector<Collection> fCollections;
   std::array<Route, kKinds> fRoutes; ///< by code in ObjectKinds()
};

const LayoutTable &GetLayoutTable(Layout layout);

} // namespace aeplugin::darkmachines::internal

#endif
