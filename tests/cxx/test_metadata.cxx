#include "random_events.hxx"
#include "testing.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/metadata.hxx>
#include <aeplugin/planner.hxx>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string_view>
#include <type_traits>

namespace {

using namespace aeplugin;
using testing::AreEqual;
using testing::IsTrue;
using testing::Throws;

Layout SomeLayout()
{
   return MakeLayout(testing::EventSchema(), testing::EventModel(CodecKind::kAutoencoder),
                     {testing::RandomEvents(200, 1)}, 200);
}

Metadata SomeMetadata()
{
   Metadata metadata;
   metadata.SetLayout(SomeLayout());
   metadata.fAepluginVersion = "0.1.0";
   metadata.fTable = "events";
   metadata.fEvents = 200;
   metadata.fModel = {1, 2, 3};
   metadata.fChecksum = metadata.ComputeChecksum();
   return metadata;
}

bool IsSame(const Packing &a, const Packing &b)
{
   return a.fOffset == b.fOffset && a.fBits == b.fBits;
}

bool IsSame(const CompressedColumn &a, const CompressedColumn &b)
{
   return a.fColumn == b.fColumn && a.fVariable == b.fVariable && a.fTolerance.fKind == b.fTolerance.fKind &&
          a.fTolerance.fValue == b.fTolerance.fValue && a.fSentinels == b.fSentinels && a.fFormula == b.fFormula &&
          IsSame(a.fPacking, b.fPacking);
}

bool IsSame(const QuantisedLatent &a, const QuantisedLatent &b)
{
   return a.fStep == b.fStep && IsSame(a.fPacking, b.fPacking);
}

bool IsSame(const Group &a, const Group &b)
{
   const auto same = [](const auto &x, const auto &y) { return IsSame(x, y); };
   return a.fName == b.fName && a.fSingle == b.fSingle && a.fCodec == b.fCodec &&
          (a.fSingle || IsSame(a.fCounts, b.fCounts)) &&
          std::equal(a.fColumns.begin(), a.fColumns.end(), b.fColumns.begin(), b.fColumns.end(), same) &&
          std::equal(a.fLatents.begin(), a.fLatents.end(), b.fLatents.begin(), b.fLatents.end(), same);
}

void TestRoundTrip()
{
   Layout layout = SomeLayout();
   layout.fGroups[0].fCounts = {INT32_MIN, 32};
   layout.fGroups[0].fLatents[1].fPacking = {INT32_MAX, 1};
   layout.fGroups[1].fColumns[0].fPacking = {-7, 31};
   Metadata metadata;
   metadata.SetLayout(layout);
   const Layout again = metadata.GetLayout("a.root");
   AreEqual(again.fGroups.size(), layout.fGroups.size());
   for (std::size_t i = 0; i < layout.fGroups.size(); ++i)
      IsTrue(IsSame(again.fGroups[i], layout.fGroups[i]), "group " + layout.fGroups[i].fName);
   AreEqual(again.fSchema.size(), layout.fSchema.size());
   for (std::size_t i = 0; i < layout.fSchema.size(); ++i) {
      AreEqual(again.fSchema[i].fName, layout.fSchema[i].fName);
      AreEqual(again.fSchema[i].fTypeName, layout.fSchema[i].fTypeName);
      AreEqual(again.IsKept(i), i >= testing::kCompressedColumns, "kept");
   }
   AreEqual(Metadata{}.GetLayout("a.root").fGroups.size(), 0u, "of a table without columns");
}

/// Changes a member a little; false where it has nothing that could be changed in that way.
template <typename T>
bool Change(T &member, int how)
{
   if constexpr (std::is_arithmetic_v<T>) {
      member = static_cast<T>(how == 0 ? member + T{1} : -member - T{1});
      return how < 2;
   } else {
      if (how == 0) {
         member.push_back({});
         return true;
      }
      if (member.empty())
         return false;
      if (how == 1) {
         member.pop_back();
         return true;
      }
      if constexpr (std::is_arithmetic_v<typename T::value_type>) {
         member.front() = static_cast<typename T::value_type>(member.front() == 0);
         return how == 2;
      } else {
         return Change(member.front(), how - 2);
      }
   }
}

void TestChecksum()
{
   const Metadata whole = SomeMetadata();
   whole.Check("a.root");
   std::set<std::string> names;
   std::size_t changes = 0;
   Metadata names_only;
   Metadata::ForEachField(names_only, [&](std::string_view name, auto &) { names.emplace(name); });
   AreEqual(names.size(), 34u, "fields, each with a name of its own");
   for (const std::string &changed : names)
      for (int how = 0; how < 5; ++how) {
         Metadata metadata = whole;
         bool did = false;
         Metadata::ForEachField(metadata, [&](std::string_view name, auto &member) {
            if (name == changed)
               did = Change(member, how);
         });
         if (!did)
            continue;
         ++changes;
         if (changed == "format_version")
            Throws<CompatibilityError>([&] { metadata.Check("a.root"); }, "a.root: compressed file of format version ");
         else
            Throws<CorruptionError>([&] { metadata.Check("a.root"); }, "a.root: the checksum of its metadata is wrong");
      }
   IsTrue(changes > 60, std::to_string(changes) + " changes");
   // Items do not move unseen from one list to the next.
   Metadata metadata = whole;
   metadata.fColumnSentinels[0].pop_back();
   metadata.fColumnSentinels[1].push_back(whole.fColumnSentinels[0].back());
   Throws<CorruptionError>([&] { metadata.Check("a.root"); }, "checksum");
   metadata = whole;
   metadata.fTable = "even";
   metadata.fColumnNames.front() = "ts" + metadata.fColumnNames.front();
   Throws<CorruptionError>([&] { metadata.Check("a.root"); }, "checksum");
}

/// Written down once more: the checksum of a small table, so that no later version computes another one.
void TestChecksumStays()
{
   Metadata metadata;
   metadata.fTable = "t";
   metadata.fColumnNames = {"x"};
   metadata.fColumnSentinels = {{1, -999}};
   // format_version 1, then sizes and texts, as the order of fields says; zlib.crc32 in Python gives the same.
   AreEqual(metadata.ComputeChecksum(), 0xc1a80290u, "checksum");
}

void TestLengths()
{
   const Metadata whole = SomeMetadata();
   std::size_t lists = 0;
   Metadata probe;
   Metadata::ForEachField(probe, [&](std::string_view name, auto &) {
      if (name.substr(0, 7) != "column_" && name.substr(0, 6) != "group_")
         return;
      for (const int how : {0, 1}) {
         Metadata metadata = whole;
         Metadata::ForEachField(metadata, [&](std::string_view other, auto &member) {
            if (name == other)
               Change(member, how);
         });
         ++lists;
         Throws<CorruptionError>([&] { metadata.GetLayout("a.root"); }, "items; expected ");
      }
   });
   AreEqual(lists, 2 * 22u, "lists");
}

void TestContradictions()
{
   const Metadata whole = SomeMetadata();
   const auto column = [&](const char *name) {
      return static_cast<std::size_t>(std::find(whole.fColumnNames.begin(), whole.fColumnNames.end(), name) -
                                      whole.fColumnNames.begin());
   };
   const auto refused = [&](const std::string &part, const std::function<void(Metadata &)> &spoil) {
      Metadata metadata = whole;
      spoil(metadata);
      Throws<CorruptionError>([&] { metadata.GetLayout("a.root"); }, "a.root: ");
      Throws<CorruptionError>([&] { metadata.GetLayout("a.root"); }, part);
   };
   const double kNaN = std::nan("");
   refused("belongs to group 5 of 5", [](auto &m) { m.fColumnGroups[0] = 5; });
   refused("belongs to group -2 of 5", [](auto &m) { m.fColumnGroups[0] = -2; });
   refused("which the group cannot hold", [&](auto &m) { m.fColumnGroups[column("MET")] = 0; });
   refused("which the group cannot hold", [&](auto &m) { m.fColumnGroups[column("run")] = 2; });
   refused("which the group cannot hold", [&](auto &m) { m.fColumnGroups[column("tracks")] = 0; });
   refused("which the group cannot hold", [](auto &m) { m.fGroupSingle[0] = 1; });
   refused("has no columns", [&](auto &m) { m.fColumnGroups[column("MET")] = -1; });
   refused("stands twice", [](auto &m) { m.fGroupNames[1] = m.fGroupNames[0]; });
   refused("no name", [](auto &m) { m.fGroupNames[1].clear(); });
   refused("is exact, and yet compressed", [](auto &m) { m.fColumnTolerances[0] = "exact"; });
   for (const double value : {0., -1., 1., kNaN, double{INFINITY}})
      refused("tolerance of ", [&](auto &m) { m.fColumnToleranceValues[0] = value; });
   refused("integers of 0 bits", [](auto &m) { m.fColumnBits[0] = 0; });
   refused("integers of 33 bits", [](auto &m) { m.fColumnBits[0] = 33; });
   refused("no room for the marks of 1 sentinels", [](auto &m) { m.fColumnBits[0] = 1; });
   refused("integers of 0 bits", [](auto &m) { m.fGroupCountBits[0] = 0; });
   refused("integers of 40 bits", [](auto &m) { m.fGroupLatentBits[0][0] = 40; });
   refused("sentinels are declared", [](auto &m) { m.fColumnSentinels[0].resize(17); });
   refused("stands twice", [](auto &m) { m.fColumnSentinels[0] = {5, 5}; });
   refused("is about 'y'", [](auto &m) { m.fColumnFormulas[4] = "y + 1"; });
   refused("in a circle", [](auto &m) { m.fColumnFormulas[4] = "x0"; });
   refused("group 'Muon'", [](auto &m) { m.fColumnFormulas[4] = "x1 +"; });
   refused("has 0 latents with the codec autoencoder", [](auto &m) {
      m.fGroupLatentSteps[0].clear();
      m.fGroupLatentOffsets[0].clear();
      m.fGroupLatentBits[0].clear();
   });
   refused("has 2 latents with the codec plain", [](auto &m) { m.fGroupCodecs[0] = "plain"; });
   refused("'group_latent_offsets' has 1 items", [](auto &m) { m.fGroupLatentOffsets[0].pop_back(); });
   refused("'group_latent_bits' has 3 items", [](auto &m) { m.fGroupLatentBits[0].push_back(8); });
   for (const float step : {0.f, -1.f, static_cast<float>(kNaN), float{INFINITY}})
      refused("has a latent of step ", [&](auto &m) { m.fGroupLatentSteps[0][1] = step; });
}

void TestUnknown()
{
   const Metadata whole = SomeMetadata();
   const auto refused = [&](const std::string &part, const std::function<void(Metadata &)> &spoil) {
      Metadata metadata = whole;
      spoil(metadata);
      Throws<CompatibilityError>([&] { metadata.GetLayout("a.root"); }, "a.root: ");
      Throws<CompatibilityError>([&] { metadata.GetLayout("a.root"); }, part + "; a newer aeplugin may read it");
   };
   refused("unknown codec 'density'", [](auto &m) { m.fGroupCodecs[0] = "density"; });
   refused("unknown codec 'auto'", [](auto &m) { m.fGroupCodecs[0] = "auto"; });
   refused("unknown tolerance 'ulp'", [](auto &m) { m.fColumnTolerances[0] = "ulp"; });
   refused("column 'run' is of unknown type TVector3", [](auto &m) { m.fColumnTypes[9] = "TVector3"; });
   Metadata metadata = whole;
   for (const std::uint32_t version : {0u, 2u, UINT32_MAX}) {
      metadata.fFormatVersion = version;
      Throws<CompatibilityError>([&] { metadata.Check("a.root"); }, "a.root: compressed file of format version " +
                                                                       std::to_string(version) +
                                                                       "; this aeplugin reads version 1");
   }
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("round trip", TestRoundTrip);
   suite.Case("checksum", TestChecksum);
   suite.Case("the checksum stays", TestChecksumStays);
   suite.Case("lengths of lists", TestLengths);
   suite.Case("contradictions", TestContradictions);
   suite.Case("unknown things", TestUnknown);
   return suite.ExitCode();
}
