#ifndef AEPLUGIN_DENSITY_PLAN_HXX
#define AEPLUGIN_DENSITY_PLAN_HXX

#include <aeplugin/layout.hxx>
#include <aeplugin/model.hxx>
#include <aeplugin/table.hxx>

#include <string>
#include <vector>

namespace aeplugin {

/// What the codec autoregressive does with the groups of a density, and how many bits it takes for a sample.
struct DensityPlan {
   std::vector<Group> fGroups; ///< in the order of the rules
   double fBits = 0;
   double fModelBits = 0; ///< of the density itself
};

/// Whether the model's density is of a group.
bool HasDensity(const Model &model, const std::string &group);

/// \param groups without those integers that only a density codes, in the order of the rules: those of the density and
/// perhaps others
/// \throws ModelError where the density does not fit them
DensityPlan PlanDensity(const TableSchema &schema, const Model &model, std::vector<Group> groups,
                        const std::vector<TableBlock> &sample);

/// About how many bits the integers that only a density codes, and the numbers of objects, take without one.
double BitsWithoutDensity(const TableSchema &schema, const std::vector<Group> &groups,
                          const std::vector<TableBlock> &sample);

} // namespace aeplugin

#endif
