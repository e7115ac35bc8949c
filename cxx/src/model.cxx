#include "model_limits.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/model.hxx>
#include <aeplugin/nearest.hxx>

#include <algorithm>
#include <cmath>
#include <set>

namespace aeplugin {
namespace {

/// Whether a text is the name of a column and nothing else: such names become part of expressions that ROOT compiles.
bool IsName(const std::string &text)
{
   const auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
   const auto isRest = [&](char c) { return isLetter(c) || (c >= '0' && c <= '9') || c == '.'; };
   return !text.empty() && isLetter(text.front()) && std::all_of(text.begin(), text.end(), isRest);
}

void ValidateNetwork(const Network &network, std::size_t inputs, const std::string &where)
{
   if (network.empty() || network.size() > kMaxLayers)
      throw ModelError(where + ": has " + std::to_string(network.size()) + " layers; expected 1 to " +
                       std::to_string(kMaxLayers));
   std::size_t previous = inputs;
   for (std::size_t i = 0; i < network.size(); ++i) {
      const Layer &layer = network[i];
      const std::string here = where + ", layer " + std::to_string(i);
      if (layer.fInputs != previous)
         throw ModelError(here + ": takes " + std::to_string(layer.fInputs) + " inputs; expected " +
                          std::to_string(previous));
      if (layer.fOutputs == 0 || layer.fOutputs > kMaxWidth)
         throw ModelError(here + ": has " + std::to_string(layer.fOutputs) + " outputs; expected 1 to " +
                          std::to_string(kMaxWidth));
      if (layer.fWeights.size() != std::size_t{layer.fInputs} * layer.fOutputs ||
          layer.fBiases.size() != layer.fOutputs)
         throw ModelError(here + ": has " + std::to_string(layer.fWeights.size()) + " weights and " +
                          std::to_string(layer.fBiases.size()) + " biases; expected " + std::to_string(layer.fInputs) +
                          " x " + std::to_string(layer.fOutputs) + " and " + std::to_string(layer.fOutputs));
      for (const auto *values : {&layer.fWeights, &layer.fBiases})
         for (const float value : *values)
            if (!std::isfinite(value))
               throw ModelError(here + ": holds a weight that is not finite; train it again");
      previous = layer.fOutputs;
   }
}

} // namespace

std::vector<std::string> CollectionModel::ColumnNames() const
{
   std::vector<std::string> names;
   for (const ModelColumn &column : fColumns)
      names.push_back(column.fColumn);
   return names;
}

std::vector<std::string> CollectionModel::LatentNames() const
{
   std::vector<std::string> names;
   for (std::size_t i = 0; i < Latents(); ++i)
      names.push_back(fName + "_latent_" + std::to_string(i));
   return names;
}

void CollectionModel::Validate(const std::string &where) const
{
   const std::string here = where + ": collection '" + fName + "'";
   if (!IsName(fName) || fColumns.empty())
      throw ModelError(here + ": has no columns, or a name that is none");
   if (fColumns.size() > kMaxColumns)
      throw ModelError(here + ": has " + std::to_string(fColumns.size()) + " columns; expected at most " +
                       std::to_string(kMaxColumns));
   std::set<std::string> names;
   for (const ModelColumn &column : fColumns) {
      if (column.fColumn.empty() || !names.insert(column.fColumn).second)
         throw ModelError(here + ": column '" + column.fColumn + "' is empty or stands twice");
      if (!IsName(column.fColumn))
         throw ModelError(here + ": column '" + column.fColumn +
                          "': names consist of letters, digits, _ and ., and do not begin with a digit");
      if (!std::isfinite(column.fMean) || !std::isfinite(column.fScale) || !(column.fScale > 0))
         throw ModelError(here + ": column '" + column.fColumn + "' has mean " + std::to_string(column.fMean) +
                          " and scale " + std::to_string(column.fScale) + "; expected finite ones and a scale above 0");
   }
   ValidateNetwork(fEncoder, fColumns.size(), here + ", encoder");
   ValidateNetwork(fDecoder, Latents(), here + ", decoder");
   if (fDecoder.back().fOutputs != fColumns.size())
      throw ModelError(here + ": the decoder gives " + std::to_string(fDecoder.back().fOutputs) + " values for " +
                       std::to_string(fColumns.size()) + " columns");
}

void Model::Validate(const std::string &where) const
{
   if (fCollections.size() > kMaxCollections)
      throw ModelError(where + ": holds " + std::to_string(fCollections.size()) + " collections; expected at most " +
                       std::to_string(kMaxCollections));
   fRules.Validate(where);
   std::set<std::string> names;
   std::set<std::string> columns;
   for (const CollectionModel &collection : fCollections) {
      if (!names.insert(collection.fName).second)
         throw ModelError(where + ": collection '" + collection.fName + "' stands twice");
      collection.Validate(where);
      for (const ModelColumn &column : collection.fColumns)
         if (!columns.insert(column.fColumn).second)
            throw ModelError(where + ": column '" + column.fColumn + "' belongs to two collections");
   }
}

const CollectionModel &Model::Collection(const std::string &name) const
{
   std::vector<std::string> known;
   for (const CollectionModel &collection : fCollections) {
      if (collection.fName == name || (name.empty() && fCollections.size() == 1))
         return collection;
      known.push_back(collection.fName);
   }
   throw ModelError("the model has no collection '" + name + "'" + Nearest(name, known));
}

} // namespace aeplugin
