#include "model_limits.hxx"
#include "names.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/model.hxx>
#include <aeplugin/nearest.hxx>

#include <algorithm>
#include <set>

namespace aeplugin {
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
   if (HasLabel())
      names.push_back(fName + "_latent_" + fColumns.back().fVariable);
   return names;
}

std::size_t CollectionModel::Features() const
{
   std::size_t features = 0;
   for (const ModelColumn &column : fColumns)
      features += column.Features();
   return features;
}

bool CollectionModel::HasLabel() const
{
   return !fColumns.empty() && fColumns.back().fTransform == Transform::kLabel;
}

void CollectionModel::Validate(const std::string &where) const
{
   const std::string here = where + ": collection '" + fName + "'";
   if (!IsName(fName) || fColumns.empty())
      throw ModelError(here + ": has no columns, or a name that is none");
   ValidateColumns(fColumns, here);
   if (HasLabel() != (fCondition != Condition::kNone))
      throw ModelError(here + (HasLabel() ? ": has a label that no network is told"
                                          : ": its networks are to be told a label, and there is none"));
   const std::size_t labels = fColumns.back().fLabels.size();
   const auto told = [&](Condition half) { return fCondition == half || fCondition == Condition::kBoth ? labels : 0; };
   ValidateNetwork(fEncoder, Features() + told(Condition::kEncoder), here + ", encoder");
   ValidateNetwork(fDecoder, Latents() + told(Condition::kDecoder), here + ", decoder");
   if (fDecoder.back().fOutputs != Features())
      throw ModelError(here + ": the decoder gives " + std::to_string(fDecoder.back().fOutputs) + " values for " +
                       std::to_string(Features()) + " features of columns");
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
   if (fDensity)
      fDensity->Validate(where);
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

const Density &Model::GetDensity() const
{
   if (!fDensity)
      throw ModelError("the model has no density of events; train one with `density:` in the recipe");
   return *fDensity;
}

} // namespace aeplugin
