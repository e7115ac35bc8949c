#include <aeplugin/error.hxx>
#include <aeplugin/formula.hxx>
#include <aeplugin/nearest.hxx>
#include <aeplugin/rules.hxx>

#include <algorithm>
#include <set>

namespace aeplugin {
namespace {

constexpr std::pair<const char *, CodecKind> kCodecs[] = {{"auto", CodecKind::kAuto},
                                                          {"plain", CodecKind::kPlain},
                                                          {"autoencoder", CodecKind::kAutoencoder},
                                                          {"autoregressive", CodecKind::kAutoregressive}};

const ColumnRule *FindVariable(const CollectionRule &collection, const std::string &variable)
{
   const auto found = std::find_if(collection.fColumns.begin(), collection.fColumns.end(),
                                   [&](const ColumnRule &column) { return column.fVariable == variable; });
   return found == collection.fColumns.end() ? nullptr : &*found;
}

/// \throws RecipeError for a tolerance or formula that is none, here and not after an hour of reading
void CheckColumn(const ColumnRule &column, const std::string &where)
{
   try {
      Quantiser(column.fTolerance, ColumnType::kFloat64, column.fSentinels);
      if (!column.fFormula.empty())
         Formula::Parse(column.fFormula);
   } catch (const RecipeError &error) {
      throw RecipeError(where + ": column '" + column.fColumn + "': " + error.what());
   }
}

/// Follows formulas from a column; \throws RecipeError where they lead back to one on the way or to no column
void Follow(const CollectionRule &collection, const ColumnRule &column, std::vector<std::string> &way,
            std::set<std::string> &checked, const std::string &where)
{
   if (column.fFormula.empty() || checked.count(column.fVariable) > 0)
      return;
   way.push_back(column.fVariable);
   const Formula formula = Formula::Parse(column.fFormula);
   for (const std::string &variable : formula.Variables()) {
      const ColumnRule *parent = FindVariable(collection, variable);
      if (!parent) {
         std::vector<std::string> known;
         for (const ColumnRule &other : collection.fColumns)
            known.push_back(other.fVariable);
         throw RecipeError(where + ": '" + column.fColumn + "' is predicted from '" + variable +
                           "', which has no tolerance in collection '" + collection.fName + "'" +
                           Nearest(variable, known));
      }
      if (std::find(way.begin(), way.end(), variable) != way.end())
         throw RecipeError(where + ": '" + column.fColumn + "' and '" + parent->fColumn +
                           "' are predicted from each other; leave one of the formulas out");
      Follow(collection, *parent, way, checked, where);
   }
   way.pop_back();
   checked.insert(column.fVariable);
}

} // namespace

CodecKind ParseCodecKind(const std::string &name)
{
   std::vector<std::string> known;
   for (const auto &[codec, kind] : kCodecs) {
      if (name == codec)
         return kind;
      known.emplace_back(codec);
   }
   throw RecipeError("unknown codec '" + name + "'" + Nearest(name, known));
}

std::string CodecName(CodecKind codec)
{
   for (const auto &[name, kind] : kCodecs)
      if (kind == codec)
         return name;
   return "unknown";
}

void Rules::Validate(const std::string &where) const
{
   std::set<std::string> collections;
   std::set<std::string> columns;
   for (const CollectionRule &collection : fCollections) {
      if (collection.fColumns.empty() || !collections.insert(collection.fName).second)
         throw RecipeError(where + ": collection '" + collection.fName + "' has no columns or stands twice");
      std::set<std::string> variables;
      for (const ColumnRule &column : collection.fColumns) {
         if (!columns.insert(column.fColumn).second || !variables.insert(column.fVariable).second)
            throw RecipeError(where + ": column '" + column.fColumn + "' stands twice");
         CheckColumn(column, where);
      }
      std::vector<std::string> way;
      std::set<std::string> checked;
      for (const ColumnRule &column : collection.fColumns)
         Follow(collection, column, way, checked, where);
   }
}

} // namespace aeplugin
