#ifndef AEPLUGIN_RDF_INFORMATION_HXX
#define AEPLUGIN_RDF_INFORMATION_HXX

#include <aeplugin/information.hxx>

#include <ROOT/RDataFrame.hxx>
#include <ROOT/RVec.hxx>

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace aeplugin::rdf {

/// How many bits events take, one event at a time. Safe to use from several threads.
class EventBits {
public:
   /// The bits of an event, then those of the objects of each collection.
   using Bits = ROOT::VecOps::RVec<ROOT::VecOps::RVec<float>>;
   /// The values of an event's columns: one number, or one per object.
   using Values = ROOT::VecOps::RVec<ROOT::VecOps::RVec<double>>;

   /// \param schema of the values to come
   /// \throws see EventInformation
   EventBits(const Model &model, TableSchema schema);

   std::vector<std::string> Collections() const { return fInformation->Collections(); }
   /// \throws InputError where columns of one collection differ in length
   Bits Run(const Values &values) const;

private:
   TableSchema fSchema;
   std::shared_ptr<const EventInformation> fInformation;
};

/// Gives the bits of an event from its columns, each a number or an RVec of numbers; for RDataFrame's Define:
///
///     const auto model = aeplugin::Model::FromFile("events.model");
///     df.Define("event_bits", aeplugin::rdf::Information<float, float, RVecF, RVecF>(model),
///               aeplugin::EventInformation::Columns(model))
template <typename... Column>
class Information {
public:
   /// \throws ModelError unless the model's density is of as many columns, of these types
   explicit Information(const Model &model) : fBits(model, Schema(model, std::index_sequence_for<Column...>())) {}

   float operator()(const Column &...columns) const { return fBits.Run({Values(columns)...})[0][0]; }

private:
   template <typename T>
   static constexpr ColumnType TypeOf()
   {
      static_assert(std::is_arithmetic_v<T>, "columns are numbers or vectors of numbers");
      if (std::is_same_v<T, bool>)
         return ColumnType::kBool;
      if (std::is_floating_point_v<T>)
         return sizeof(T) == sizeof(float) ? ColumnType::kFloat32 : ColumnType::kFloat64;
      switch (sizeof(T)) {
      case 1:
         return std::is_signed_v<T> ? ColumnType::kInt8 : ColumnType::kUInt8;
      case 2:
         return std::is_signed_v<T> ? ColumnType::kInt16 : ColumnType::kUInt16;
      case 4:
         return std::is_signed_v<T> ? ColumnType::kInt32 : ColumnType::kUInt32;
      default:
         return std::is_signed_v<T> ? ColumnType::kInt64 : ColumnType::kUInt64;
      }
   }

   template <typename T>
   static std::string TypeName()
   {
      if constexpr (std::is_arithmetic_v<T>)
         return ValueTypeName(TypeOf<T>());
      else
         return "ROOT::VecOps::RVec<" + ValueTypeName(TypeOf<typename T::value_type>()) + ">";
   }

   template <std::size_t... I>
   static TableSchema Schema(const Model &model, std::index_sequence<I...>)
   {
      const auto names = EventInformation::Columns(model);
      if (names.size() != sizeof...(I))
         throw ModelError("the model's density is of " + std::to_string(names.size()) + " columns; it is given " +
                          std::to_string(sizeof...(I)));
      return {TableColumn::Make(names[I], TypeName<Column>())...};
   }

   template <typename T>
   static ROOT::VecOps::RVec<double> Values(const T &column)
   {
      if constexpr (std::is_arithmetic_v<T>)
         return {static_cast<double>(column)};
      else
         return ROOT::VecOps::RVec<double>(column.begin(), column.end());
   }

   EventBits fBits;
};

/// Adds event_bits, how many bits each event takes by the density of a model, and for each of its collections Jet_bits,
/// those of its objects; all float. The columns may have any types that RDataFrame has for those of the model.
/// \throws ModelError where the model has no density, or one of columns of other types; RecipeError naming a column
/// that the data lack
ROOT::RDF::RNode DefineInformation(ROOT::RDF::RNode node, const Model &model);

} // namespace aeplugin::rdf

#endif
