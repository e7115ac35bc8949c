#include "allocation_watch.hxx"
#include "any_density_events.hxx"
#include "decode_case.hxx"
#include "mutate.hxx"
#include "random_events.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/planner.hxx>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include <unistd.h>

// A mutation fuzzer of the decoder: damaged files give the library's errors or values, and nothing else.
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLargestAllocation = std::size_t{64} << 20;
constexpr unsigned kSecondsPerCase = 1;
constexpr std::uint64_t kDensities = 8; ///< among the seeds
constexpr char kUsage[] = "usage: fuzz_decoder [SECONDS [SEED]]\n"
                          "       fuzz_decoder --replay FILE\n"
                          "       fuzz_decoder --seeds FOLDER\n";

std::string gCase;           ///< the one at work, for whoever looks at a crash
volatile bool gBusy = false; ///< whether a case is at work

/// Leaves the case behind where the process ends in the middle of it.
void LeaveCase()
{
   if (!gBusy)
      return;
   gBusy = false;
   std::ofstream("fuzz_decoder.case", std::ios::binary) << gCase;
   std::cerr << "fuzz_decoder: failed; the case is in fuzz_decoder.case: `fuzz_decoder --replay fuzz_decoder.case`\n";
}

void OnSignal(int signal)
{
   LeaveCase();
   std::signal(signal, SIG_DFL);
   std::raise(signal);
}

std::string SeedOf(const aeplugin::Layout &layout, const aeplugin::Model &model, const aeplugin::TableBlock &block)
{
   std::vector<aeplugin::QuantiserSummary> summaries;
   fuzz::Case parts;
   parts.fBlock = aeplugin::BlockCoder(layout, model).Encode(block, summaries);
   parts.fMetadata.SetLayout(layout);
   const std::string bytes = model.ToBytes();
   parts.fMetadata.fModel.assign(bytes.begin(), bytes.end());
   parts.fMetadata.fChecksum = parts.fMetadata.ComputeChecksum();
   return ToBytes(parts);
}

std::vector<std::string> Seeds()
{
   std::vector<std::string> seeds;
   for (const auto codec : {aeplugin::CodecKind::kPlain, aeplugin::CodecKind::kAutoencoder})
      for (const std::size_t events : {0u, 3u, 40u}) {
         const auto model = testing::EventModel(codec);
         const auto sample = testing::RandomEvents(events, 1, {10, 6});
         const auto layout = MakeLayout(testing::EventSchema(), model, {sample}, events);
         seeds.push_back(SeedOf(layout, model, testing::RandomEvents(events, 2, {10, 6})));
      }
   for (std::uint64_t seed = 0; seed < kDensities; ++seed) {
      const auto density = testing::MakeAnyDensity(seed);
      seeds.push_back(SeedOf(density.fLayout, density.fModel, testing::AnyEvents(density, 3 + 5 * seed, seed)));
   }
   return seeds;
}

/// What came of a case. \throws std::exception that is no aeplugin::Error
std::string Run(const std::string &bytes)
{
   gCase = bytes;
   gBusy = true;
   ::alarm(kSecondsPerCase + 1);
   const auto start = Clock::now();
   std::string outcome;
   try {
      outcome = Decode(fuzz::FromBytes(bytes)) ? "whole" : "refused in part";
   } catch (const aeplugin::CorruptionError &) {
      outcome = "CorruptionError";
   } catch (const aeplugin::CompatibilityError &) {
      outcome = "CompatibilityError";
   } catch (const aeplugin::ModelError &) {
      outcome = "ModelError";
   } catch (const aeplugin::Error &) {
      outcome = "other errors of aeplugin";
   } catch (const std::bad_alloc &) {
      throw std::runtime_error("asks for more than " + std::to_string(kLargestAllocation) + " bytes at once");
   }
   ::alarm(0);
   if (Clock::now() - start > std::chrono::seconds(kSecondsPerCase))
      throw std::runtime_error("takes more than a second");
   gBusy = false;
   return outcome;
}

int Fuzz(double seconds, std::uint64_t seed)
{
   std::mt19937_64 random(seed);
   const auto seeds = Seeds();
   std::map<std::string, std::uint64_t> outcomes;
   for (const std::string &bytes : seeds)
      if (Run(bytes) != "whole")
         throw std::runtime_error("what is not damaged is refused");
   const auto end = Clock::now() + std::chrono::duration<double>(seconds);
   while (Clock::now() < end) {
      std::string bytes = fuzz::Mutate(seeds[random() % seeds.size()], seeds[random() % seeds.size()], random);
      ++outcomes[Run(bytes)];
   }
   std::cout << "seed " << seed << ":\n";
   for (const auto &[outcome, cases] : outcomes)
      std::cout << "  " << cases << ' ' << outcome << '\n';
   return 0;
}

std::string ReadFile(const std::string &path)
{
   std::ifstream file(path, std::ios::binary);
   if (!file)
      throw std::runtime_error(path + ": cannot be read");
   return {std::istreambuf_iterator<char>(file), {}};
}

void WriteSeeds(const std::filesystem::path &folder)
{
   std::filesystem::create_directories(folder);
   int number = 0;
   for (const std::string &bytes : Seeds())
      std::ofstream(folder / ("seed" + std::to_string(number++)), std::ios::binary) << bytes;
}

} // namespace

int main(int argc, char **argv)
{
   const std::vector<std::string> arguments(argv + 1, argv + argc);
   for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL, SIGALRM})
      std::signal(signal, OnSignal);
   std::atexit(LeaveCase); // the sanitizers end the process by exit
   testing::gAllocationLimit = kLargestAllocation;
   try {
      if (arguments.size() == 2 && arguments[0] == "--replay") {
         std::cout << Run(ReadFile(arguments[1])) << '\n';
         return 0;
      }
      if (arguments.size() == 2 && arguments[0] == "--seeds") {
         WriteSeeds(arguments[1]);
         return 0;
      }
      if (arguments.size() > 2 || (!arguments.empty() && arguments[0][0] == '-')) {
         std::cerr << kUsage;
         return 2;
      }
      return Fuzz(arguments.empty() ? 60 : std::stod(arguments[0]),
                  arguments.size() < 2 ? 1 : std::stoull(arguments[1]));
   } catch (const std::exception &error) {
      std::cerr << "fuzz_decoder: " << error.what() << '\n';
      return 1;
   }
}
