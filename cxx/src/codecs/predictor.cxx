#include "predictor.hxx"

#include <aeplugin/error.hxx>

#include <algorithm>

namespace aeplugin::codecs {
namespace {

std::size_t IndexOf(const Group &group, const std::string &variable)
{
   const auto found = std::find_if(group.fColumns.begin(), group.fColumns.end(),
                                   [&](const CompressedColumn &column) { return column.fVariable == variable; });
   if (found == group.fColumns.end())
      throw CorruptionError("a formula of group '" + group.fName + "' is about '" + variable +
                            "', which is no compressed variable of it");
   return static_cast<std::size_t>(found - group.fColumns.begin());
}

/// Each column after its parents; \throws CorruptionError where that cannot be
std::vector<std::size_t> Sort(const std::vector<std::vector<std::size_t>> &parents, const std::string &group)
{
   std::vector<std::size_t> order;
   std::vector<bool> done(parents.size(), false);
   while (order.size() < parents.size()) {
      const std::size_t before = order.size();
      for (std::size_t column = 0; column < parents.size(); ++column) {
         const bool ready = std::all_of(parents[column].begin(), parents[column].end(),
                                        [&](std::size_t parent) { return done[parent]; });
         if (!done[column] && ready) {
            done[column] = true;
            order.push_back(column);
         }
      }
      if (order.size() == before)
         throw CorruptionError("the formulas of group '" + group + "' predict columns from each other in a circle");
   }
   return order;
}

} // namespace

Predictor::Predictor(CodecInput input) : fInput(std::move(input)), fParents(fInput.fGroup.fColumns.size())
{
   const Group &group = fInput.fGroup;
   for (std::size_t column = 0; column < group.fColumns.size(); ++column) {
      const std::string &text = group.fColumns[column].fFormula;
      fFormulas.push_back(text.empty() ? std::nullopt : std::make_optional(Formula::Parse(text)));
      if (!text.empty())
         for (const std::string &variable : fFormulas.back()->Variables())
            fParents[column].push_back(IndexOf(group, variable));
   }
   fOrder = Sort(fParents, group.fName);
}

std::vector<bool> Predictor::WithParents(std::vector<bool> wanted) const
{
   for (auto column = fOrder.rbegin(); column != fOrder.rend(); ++column)
      if (wanted[*column])
         for (const std::size_t parent : fParents[*column])
            wanted[parent] = true;
   return wanted;
}

std::vector<Grid> Predictor::Predict(std::size_t column, const GroupGrids &known, std::size_t objects) const
{
   std::vector<Grid> predicted(objects, 0);
   if (!fFormulas[column] || objects == 0)
      return predicted;
   std::vector<std::vector<double>> values;
   std::vector<const double *> pointers;
   for (const std::size_t parent : fParents[column]) {
      values.emplace_back(objects);
      QuantiserOf(parent).Value(known[parent].data(), objects, values.back().data());
   }
   for (const auto &parent : values)
      pointers.push_back(parent.data());
   std::vector<double> results(objects);
   fFormulas[column]->Evaluate(pointers.data(), objects, results.data());
   QuantiserOf(column).Nearest(results.data(), objects, 0, predicted.data());
   return predicted;
}

} // namespace aeplugin::codecs
