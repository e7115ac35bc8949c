#ifndef AEPLUGIN_PLANNER_HXX
#define AEPLUGIN_PLANNER_HXX

#include <aeplugin/layout.hxx>
#include <aeplugin/model.hxx>
#include <aeplugin/table.hxx>

#include <cstdint>
#include <vector>

namespace aeplugin {

/// Decides what the tolerances leave open, on a sample of the events: codecs, steps of latents, formulas that help,
/// widths of integers. A bad sample costs bits, never accuracy.
/// \param model may have no networks; then the codec `auto` means `plain`
/// \param events in the whole table, over which the size of a model is spread
/// \throws RecipeError naming columns of the rules that the table lacks or that cannot be compressed; ModelError where
/// the codec `autoencoder` or `autoregressive` is asked for and the model lacks a network or density of the collection
Layout MakeLayout(const TableSchema &schema, const Model &model, const std::vector<TableBlock> &sample,
                  std::uint64_t events);

} // namespace aeplugin

#endif
