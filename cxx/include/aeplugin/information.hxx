#ifndef AEPLUGIN_INFORMATION_HXX
#define AEPLUGIN_INFORMATION_HXX

#include <aeplugin/model.hxx>
#include <aeplugin/table.hxx>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace aeplugin {

/// How many bits consecutive events take.
struct Information {
   /// Of the objects of a collection.
   struct Objects {
      std::vector<std::uint64_t> fOffsets; ///< of each event's first object, then the number of all
      std::vector<double> fBits;
   };

   std::vector<double> fEvents; ///< of the variables that an event has once, of its numbers of objects, of objects
   std::vector<Objects> fCollections; ///< as EventInformation::Collections()
};

/// The information content of events by the density of a model: -log2 of the probability of their grid integers, which
/// is how many bits the codec `autoregressive` takes for them, and how strange they are. Values become integers as they
/// do in a compressed file; special values, and those unlike all that the density was trained on, take 32 bits more.
/// The same bits for every instruction set, thread and split into blocks. Safe to use from several threads.
class EventInformation {
public:
   /// The columns of a model's density. \throws ModelError where it has none
   static std::vector<std::string> Columns(const Model &model);

   /// \param schema of the blocks to come, with those columns and any others
   /// \throws ModelError where the model has no density, or one of columns of other types
   /// \throws RecipeError naming a column that is not there
   EventInformation(const Model &model, TableSchema schema, const std::string &instructionSet = "");
   ~EventInformation();
   EventInformation(EventInformation &&) noexcept;

   /// Those with objects, in coding order.
   std::vector<std::string> Collections() const;
   /// \throws InputError where the columns of a collection differ in their numbers of objects, or a column is none of
   /// its type
   Information Count(const TableBlock &block) const;

private:
   class Counter;
   std::unique_ptr<Counter> fCounter;
};

} // namespace aeplugin

#endif
