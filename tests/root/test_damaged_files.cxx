#include "child_cases.hxx"
#include "compressed_files.hxx"
#include "temporary_folder.hxx"
#include "testing.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/rdf/files.hxx>

#include <array>
#include <cstdlib>
#include <iostream>
#include <random>

namespace {

using namespace aeplugin;
using namespace aeplugin::rdf;
using testing::AreEqual;
using testing::IsTrue;
using testing::Outcome;
using testing::TemporaryFolder;

/// A small compressed file, and what it decodes to.
struct SmallFile {
   explicit SmallFile(CodecKind codec)
   {
      const TemporaryFolder folder;
      testing::WriteTable(folder / "in.root", testing::EventSchema(), testing::RandomEvents(12, 4, {4, 4}));
      CompressOptions options;
      options.fThreads = 1;
      Compress(folder / "in.root", folder / "c.root", testing::EventModel(codec), options);
      DecompressOptions back;
      back.fThreads = 1;
      Decompress(folder / "c.root", folder / "out.root", back);
      fEvents = testing::ReadTable(folder / "out.root");
      fBytes = testing::ReadFile(folder / "c.root");
   }

   /// Reads the file from other bytes than its own.
   Outcome Read(const std::string &bytes, const std::string &path) const
   {
      testing::WriteFile(path, bytes);
      try {
         testing::ExpectFile(path, fEvents);
         return Outcome::kRight;
      } catch (const aeplugin::Error &) {
         return Outcome::kError;
      } catch (const std::runtime_error &error) {
         // ROOT's exceptions are runtime errors, too; ours name the test's file.
         return std::string(error.what()).find("tests/") != std::string::npos ? Outcome::kWrong : Outcome::kForeign;
      } catch (...) {
         return Outcome::kForeign;
      }
   }

   TableBlock fEvents;
   std::string fBytes;
};

/// How many cases there are, so many that a test takes seconds; AEPLUGIN_EVERY_BYTE=1 in the environment: all.
std::size_t Cases(std::size_t all, std::size_t some)
{
   return std::getenv("AEPLUGIN_EVERY_BYTE") ? all : std::min(all, some);
}

/// Fails unless every case gave an error or the right values.
void ExpectSafe(const std::vector<Outcome> &outcomes, const std::vector<std::string> &what)
{
   std::array<std::size_t, 6> counts{};
   std::string bad;
   for (std::size_t i = 0; i < outcomes.size(); ++i) {
      ++counts[static_cast<std::size_t>(outcomes[i])];
      if (outcomes[i] > Outcome::kError)
         bad += " " + what[i] + ":" + "  wfch"[static_cast<std::size_t>(outcomes[i])];
   }
   std::cout << "        " << counts[0] << " right, " << counts[1] << " errors, " << counts[2] << " wrong, "
             << counts[3] << " foreign exceptions, " << counts[4] << " crashes, " << counts[5] << " hangs" << std::endl;
   IsTrue(bad.empty(), "damage that is neither harmless nor found (w wrong, f foreign, c crash, h hang):" + bad);
   IsTrue(counts[1] > counts[0] / 4, "damage is found");
}

void TestTruncation()
{
   const SmallFile file(CodecKind::kAutoencoder);
   const TemporaryFolder folder;
   const std::size_t cases = Cases(file.fBytes.size(), 500);
   std::vector<std::string> what;
   for (std::size_t i = 0; i < cases; ++i)
      what.push_back(std::to_string(file.fBytes.size() * i / cases));
   ExpectSafe(testing::RunInChild(cases,
                                  [&](std::size_t i) {
                                     return file.Read(file.fBytes.substr(0, std::stoul(what[i])), folder / "c.root");
                                  }),
              what);
}

void TestBitFlips()
{
   for (const CodecKind codec : {CodecKind::kPlain, CodecKind::kAutoencoder}) {
      const SmallFile file(codec);
      const TemporaryFolder folder;
      AreEqual(testing::RunInChild(1, [&](std::size_t) { return file.Read(file.fBytes, folder / "c.root"); })[0] ==
                  Outcome::kRight,
               true, "what is not damaged");
      const std::size_t cases = Cases(file.fBytes.size(), 500);
      std::mt19937_64 random(5);
      std::vector<std::string> what;
      std::vector<std::pair<std::size_t, unsigned>> places;
      for (std::size_t i = 0; i < cases; ++i) {
         places.emplace_back(cases == file.fBytes.size() ? i : random() % file.fBytes.size(),
                             static_cast<unsigned>(random() % 8));
         what.push_back(std::to_string(places.back().first) + "." + std::to_string(places.back().second));
      }
      ExpectSafe(testing::RunInChild(cases,
                                     [&](std::size_t i) {
                                        auto bytes = file.fBytes;
                                        auto &byte = bytes[places[i].first];
                                        byte = static_cast<char>(byte ^ (1 << places[i].second));
                                        return file.Read(bytes, folder / "c.root");
                                     }),
                 what);
   }
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("truncation", TestTruncation);
   suite.Case("bit flips", TestBitFlips);
   return suite.ExitCode();
}
