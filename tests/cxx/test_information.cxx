#include "random_density.hxx"
#include "testing.hxx"

#include <aeplugin/block_coder.hxx>
#include <aeplugin/information.hxx>
#include <aeplugin/planner.hxx>

#include "kernels/kernels.hxx"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <thread>

namespace {

using namespace aeplugin;
using testing::AreEqual;
using testing::DensityEvents;
using testing::DensityModel;
using testing::DensitySchema;
using testing::IsTrue;
using testing::Throws;

constexpr std::size_t kEta = 4; ///< of DensitySchema(): the last of a jet's columns, from which nothing is predicted

EventInformation MakeInformation(const std::string &instructionSet = "")
{
   return EventInformation(DensityModel(), DensitySchema(), instructionSet);
}

void ExpectSameBits(const Information &got, const Information &expected, const std::string &what)
{
   IsTrue(got.fEvents == expected.fEvents, "events, " + what);
   for (std::size_t c = 0; c < expected.fCollections.size(); ++c) {
      IsTrue(got.fCollections[c].fOffsets == expected.fCollections[c].fOffsets, "offsets, " + what);
      IsTrue(got.fCollections[c].fBits == expected.fCollections[c].fBits, "objects, " + what);
   }
}

/// The bits are those of the streams of a compressed file.
void TestBitsAreThoseOfStreams()
{
   const Model model = DensityModel();
   const auto block = DensityEvents(4000, 1);
   const BlockCoder coder(MakeLayout(DensitySchema(), model, {DensityEvents(500, 2)}, 1'000'000'000), model);
   for (const Group &group : coder.GetLayout().fGroups)
      IsTrue(group.fCodec == CodecKind::kAutoregressive, "all groups are coded by the density");
   std::vector<QuantiserSummary> summaries;
   const StoredBlock stored = coder.Encode(block, summaries);
   double bytes = 0;
   for (const Integers &field : stored.fIntegers)
      bytes += static_cast<double>(std::get<0>(field).size());
   const auto bits = MakeInformation().Count(block).fEvents;
   const double counted = std::accumulate(bits.begin(), bits.end(), 0.) / 8;
   // A stream has its eight states beside; wide integers and exact values are none of its bytes.
   const double wide = static_cast<double>(stored.fSpecial.size());
   const double states = 64. * static_cast<double>(stored.fIntegers.size());
   IsTrue(bytes > 20 * states, "enough events to compare");
   IsTrue(counted > 0.99 * (bytes - states), "at least the bytes of the streams");
   IsTrue(counted < 1.01 * bytes + wide, "at most them and the wide integers");
}

void TestSameBitsHoweverCounted()
{
   const auto block = DensityEvents(1000, 3);
   const EventInformation information = MakeInformation();
   const Information expected = information.Count(block);
   AreEqual(expected.fEvents.size(), 1000u);
   AreEqual(expected.fCollections[0].fBits.size(), block.fColumns[kEta].fOffsets[0].back());
   for (const std::string &set : kernels::InstructionSets())
      ExpectSameBits(MakeInformation(set).Count(block), expected, set);
   for (const std::size_t size : {1u, 7u, 300u}) {
      Information joined;
      joined.fCollections.assign(expected.fCollections.size(), {{0}, {}});
      for (std::size_t first = 0; first < block.fEvents; first += size) {
         const auto part =
            information.Count(testing::Slice(block, DensitySchema(), first, std::min(size, block.fEvents - first)));
         joined.fEvents.insert(joined.fEvents.end(), part.fEvents.begin(), part.fEvents.end());
         for (std::size_t c = 0; c < joined.fCollections.size(); ++c) {
            auto &objects = joined.fCollections[c];
            const auto &more = part.fCollections[c];
            const std::uint64_t start = objects.fOffsets.back();
            for (std::size_t i = 1; i < more.fOffsets.size(); ++i)
               objects.fOffsets.push_back(start + more.fOffsets[i]);
            objects.fBits.insert(objects.fBits.end(), more.fBits.begin(), more.fBits.end());
         }
      }
      ExpectSameBits(joined, expected, "blocks of " + std::to_string(size));
   }
   std::vector<Information> found(4);
   std::vector<std::thread> threads;
   for (Information &mine : found)
      threads.emplace_back([&] {
         for (int i = 0; i < 5; ++i)
            mine = information.Count(block);
      });
   for (std::thread &thread : threads)
      thread.join();
   for (const Information &each : found)
      ExpectSameBits(each, expected, "threads");
   AreEqual(information.Count(testing::Slice(block, DensitySchema(), 0, 0)).fEvents.size(), 0u, "no events");
}

/// A value that nothing is predicted from changes the bits of its object, and by as much those of its event.
void TestPartsAddUp()
{
   const auto block = DensityEvents(300, 4);
   const EventInformation information = MakeInformation();
   const auto before = information.Count(block);
   const auto &offsets = block.fColumns[kEta].fOffsets[0];
   for (const std::size_t event : {0u, 17u, 299u}) {
      if (offsets[event] == offsets[event + 1])
         continue;
      const std::size_t last = offsets[event + 1] - 1;
      auto changed = block;
      std::get<std::vector<float>>(changed.fColumns[kEta].fValues)[last] = 50; // far outside of the range
      const auto after = information.Count(changed);
      double more = 0;
      for (std::size_t i = 0; i < after.fCollections[0].fBits.size(); ++i) {
         const double difference = after.fCollections[0].fBits[i] - before.fCollections[0].fBits[i];
         IsTrue((difference > 20) == (i == last), "the object of the value, and no other");
         IsTrue(i == last || difference == 0, "others stay");
         more += difference;
      }
      for (std::size_t i = 0; i < 300; ++i)
         testing::AreClose(after.fEvents[i] - before.fEvents[i], i == event ? more : 0, 1e-9, "event");
   }
   for (std::size_t event = 0; event < 300; ++event) {
      double objects = 0;
      for (const auto &collection : before.fCollections)
         for (std::uint64_t i = collection.fOffsets[event]; i < collection.fOffsets[event + 1]; ++i)
            objects += collection.fBits[i];
      IsTrue(objects >= 0 && before.fEvents[event] > objects, "what an event has once takes bits, too");
   }
}

void TestSpecialValuesCostBits()
{
   const auto block = DensityEvents(200, 5, false);
   const EventInformation information = MakeInformation();
   const auto before = information.Count(block).fCollections[0].fBits;
   for (const float value : {NAN, INFINITY, -1e30f, 50.f}) {
      auto changed = block;
      std::get<std::vector<float>>(changed.fColumns[kEta].fValues)[7] = value;
      const auto after = information.Count(changed).fCollections[0].fBits;
      IsTrue(std::isfinite(after[7]) && after[7] > before[7] + 20, std::to_string(value) + " costs bits");
      AreEqual(after[8], before[8], "another object");
   }
   const auto bitsWith = [&](float met) {
      auto changed = block;
      std::get<std::vector<float>>(changed.fColumns[0].fValues)[7] = met;
      return information.Count(changed).fEvents[7];
   };
   // The same to all that is predicted from it; but the sentinel of the recipe is an atom of the density.
   IsTrue(bitsWith(NAN) > bitsWith(-999) + 32, "a sentinel that is known costs less than what is not");
}

/// A density that has the number of some objects and nothing else of them; no recipe gives one.
Model WithLonelyCount()
{
   constexpr std::uint32_t kFirst = 4; // behind the other numbers
   Model model = DensityModel();
   auto &variables = model.fDensity->fVariables;
   for (DensityVariable &variable : variables)
      for (DensityFeature &feature : variable.fFeatures)
         feature.fVariable += feature.fVariable >= kFirst ? 1 : 0;
   for (DensityMomentum &momentum : model.fDensity->fMomenta)
      momentum = {momentum.fPt + 1, momentum.fPhi + 1, momentum.fEta};
   DensityVariable lonely = variables[kFirst - 1];
   lonely.fGroup = "Photon";
   variables.insert(variables.begin() + kFirst, lonely);
   return model;
}

void TestWhatDoesNotFit()
{
   Model none = DensityModel();
   none.fDensity.reset();
   Throws<ModelError>([&] { EventInformation(none, DensitySchema()); }, "the model has no density");
   Throws<ModelError>([&] { EventInformation::Columns(none); }, "the model has no density");
   IsTrue(EventInformation::Columns(DensityModel()).front() == "MET_pt", "columns in coding order");
   auto schema = DensitySchema();
   schema[3].fName = "Jet_ptt";
   Throws<RecipeError>([&] { EventInformation(DensityModel(), schema); }, "no column 'Jet_pt'");
   for (const auto &[column, type] : {std::pair(3, "std::vector<double>"), std::pair(3, "float"),
                                      std::pair(2, "std::vector<std::int64_t>"), std::pair(0, "std::vector<float>")}) {
      schema = DensitySchema();
      schema[static_cast<std::size_t>(column)] =
         TableColumn::Make(schema[static_cast<std::size_t>(column)].fName, type);
      Throws<ModelError>([&] { EventInformation(DensityModel(), schema); }, std::string("is of type ") + type);
   }
   Throws<ModelError>([&] { EventInformation(WithLonelyCount(), DensitySchema()); },
                      "a number of objects of 'Photon' and no column of them");

   const EventInformation information = MakeInformation();
   const auto refused = [&](const std::string &part, auto spoil) {
      auto block = DensityEvents(5, 6);
      spoil(block);
      Throws<InputError>([&] { information.Count(block); }, part);
   };
   refused("has 6 columns", [](auto &block) { block.fColumns.pop_back(); });
   refused("4 values for 5 events",
           [](auto &block) { std::get<std::vector<float>>(block.fColumns[0].fValues).pop_back(); });
   refused("values of another type", [](auto &block) { block.fColumns[0].fValues = std::vector<double>(5); });
   refused("0 levels of lists", [](auto &block) { block.fColumns[3].fOffsets.clear(); });
   refused("offsets that are none", [](auto &block) { block.fColumns[3].fOffsets[0].back() += 1; });
   refused("offsets that are none", [](auto &block) { block.fColumns[3].fOffsets[0].pop_back(); });
   refused("offsets that are none", [](auto &block) { block.fColumns[3].fOffsets[0][1] = 1000; });
   refused("different numbers of objects", [](auto &block) {
      auto &column = block.fColumns[3];
      auto &offsets = column.fOffsets[0];
      std::for_each(offsets.begin() + 1, offsets.end(), [](std::uint64_t &offset) { ++offset; });
      std::get<std::vector<float>>(column.fValues).push_back(1);
   });
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("bits are those of streams", TestBitsAreThoseOfStreams);
   suite.Case("same bits however counted", TestSameBitsHoweverCounted);
   suite.Case("parts add up", TestPartsAddUp);
   suite.Case("special values cost bits", TestSpecialValuesCostBits);
   suite.Case("what does not fit", TestWhatDoesNotFit);
   return suite.ExitCode();
}
