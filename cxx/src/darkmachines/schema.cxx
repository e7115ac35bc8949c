#include "layout.hxx"

namespace aeplugin::darkmachines {

namespace internal {

const LayoutTable &GetLayoutTable(Layout layout)
{
   static const LayoutTable kNanoAODTable{{{"Jet", "btag", ColumnType::kBool},
                                           {"Electron", "charge", ColumnType::kInt32},
                                           {"Muon", "charge", ColumnType::kInt32},
                                           {"Photon", "", ColumnType::kInt32}},
                                          {{{0, 0}, {0, 1}, {1, -1}, {1, 1}, {2, -1}, {2, 1}, {3, 0}}}};
   static const LayoutTable kObjectsTable{{{"Object", "kind", ColumnType::kInt32}},
                                          {{{0, 0}, {0, 1}, {0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 6}}}};
   return layout == Layout::kNanoAOD ? kNanoAODTable : kObjectsTable;
}

} // namespace internal

const std::vector<std::string> &ObjectKinds()
{
   static const std::vector<std::string> kinds{"j", "b", "e-", "e+", "m-", "m+", "g"};
   return kinds;
}

Schema MakeSchema(Layout layout)
{
   Schema schema;
   schema.fColumns = {{"event", ColumnType::kUInt64},
                      {"process", ColumnType::kString},
                      {"weight", ColumnType::kFloat64},
                      {"MET_pt", ColumnType::kFloat32},
                      {"MET_phi", ColumnType::kFloat32}};
   for (const auto &collection : internal::GetLayoutTable(layout).fCollections) {
      const auto index = static_cast<int>(schema.fCollections.size());
      schema.fCollections.push_back(collection.fName);
      for (const char *quantity : {"E", "pt", "eta", "phi"})
         schema.fColumns.push_back({collection.fName + "_" + quantity, ColumnType::kFloat32, index});
      if (!collection.fTag.empty())
         schema.fColumns.push_back({collection.fName + "_" + collection.fTag, collection.fTagType, index});
   }
   return schema;
}

} // namespace aeplugin::darkmachines
