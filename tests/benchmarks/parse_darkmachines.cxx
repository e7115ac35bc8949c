// How fast the Dark Machines reader is, beside a plain fread of the same bytes: parse_darkmachines FILE [threads]

#include <aeplugin/darkmachines.hxx>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

struct Totals {
   std::uint64_t fBytes = 0;
   std::uint64_t fEvents = 0;
};

Totals ReadBytes(const std::string &path)
{
   const std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
   if (!file)
      throw std::runtime_error("cannot open " + path);
   std::vector<char> buffer(std::size_t{4} << 20);
   Totals totals;
   while (const auto got = std::fread(buffer.data(), 1, buffer.size(), file.get()))
      totals.fBytes += got;
   return totals;
}

Totals Parse(const std::string &path, unsigned threads)
{
   aeplugin::darkmachines::ReaderOptions options;
   options.fThreads = threads;
   aeplugin::darkmachines::Reader reader(path, options);
   aeplugin::EventBlock block;
   Totals totals;
   while (reader.Next(block))
      totals.fEvents += block.fEvents;
   totals.fBytes = reader.GetBytesRead();
   return totals;
}

struct Measurement {
   std::string fName;
   std::function<Totals()> fPass;
   Totals fTotals;
   std::vector<double> fSeconds;

   void Run()
   {
      const auto start = std::chrono::steady_clock::now();
      fTotals = fPass();
      fSeconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
   }

   double MegabytesPerSecond()
   {
      std::sort(fSeconds.begin(), fSeconds.end());
      return 1e-6 * static_cast<double>(fTotals.fBytes) / fSeconds[fSeconds.size() / 2];
   }
};

void Benchmark(const std::string &path, unsigned threads)
{
   std::vector<Measurement> measurements{
      {"fread", [&] { return ReadBytes(path); }, {}, {}},
      {"reader_1_thread", [&] { return Parse(path, 1); }, {}, {}},
      {"reader_" + std::to_string(threads) + "_threads", [&] { return Parse(path, threads); }, {}, {}}};
   ReadBytes(path); // warms the page cache
   constexpr int kPasses = 7;
   // Taking turns spreads the noise of other programs over all of them.
   for (int pass = 0; pass < kPasses; ++pass) {
      for (auto &measurement : measurements)
         measurement.Run();
   }
   std::cout << "{\"bytes\": " << measurements[0].fTotals.fBytes << ", \"events\": " << measurements[1].fTotals.fEvents
             << ", \"passes\": " << kPasses << ", \"megabytes_per_second\": {";
   for (auto &measurement : measurements)
      std::cout << (&measurement == &measurements.front() ? "" : ", ") << '"' << measurement.fName
                << "\": " << measurement.MegabytesPerSecond();
   std::cout << "}}" << std::endl;
}

} // namespace

int main(int argc, char **argv)
{
   if (argc < 2 || argc > 3) {
      std::cerr << "usage: parse_darkmachines FILE [threads]\n";
      return 2;
   }
   try {
      const auto threads = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2;
      Benchmark(argv[1], static_cast<unsigned>(std::max(2ul, threads)));
   } catch (const std::exception &error) {
      std::cerr << error.what() << '\n';
      return 1;
   }
   return 0;
}
