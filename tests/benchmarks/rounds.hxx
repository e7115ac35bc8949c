#ifndef AEPLUGIN_BENCHMARKS_ROUNDS_HXX
#define AEPLUGIN_BENCHMARKS_ROUNDS_HXX

#include <chrono>
#include <ctime>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

namespace aeplugin::benchmarks {

/// One thing whose time is taken, over and over.
struct Measurement {
   std::string fName;
   std::function<void()> fPass;
};

/// Serves a driver (common.py): prints one JSON object with `facts` ("key": value, ...) and the names, then for each
/// line on the standard input the seconds of one pass of every measurement, on the wall and of the CPU (all threads).
/// They take turns, and the driver puts its own measurements in between, so that all see the same noise of other
/// programs.
inline void ServeRounds(const std::string &facts, const std::vector<Measurement> &measurements)
{
   std::cout << "{" << facts << ", \"compiler\": \"" << __VERSION__ << "\", \"measurements\": [";
   for (const auto &measurement : measurements)
      std::cout << (&measurement == &measurements.front() ? "\"" : ", \"") << measurement.fName << '"';
   std::cout << "]}" << std::endl;

   for (std::string line; std::getline(std::cin, line);) {
      std::string wall;
      std::string cpu;
      for (const auto &measurement : measurements) {
         const std::string separator = wall.empty() ? "" : ", ";
         const std::clock_t startOfCpu = std::clock();
         const auto start = std::chrono::steady_clock::now();
         measurement.fPass();
         const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
         wall += separator + std::to_string(elapsed.count());
         cpu += separator + std::to_string(static_cast<double>(std::clock() - startOfCpu) / CLOCKS_PER_SEC);
      }
      std::cout << "{\"wall\": [" << wall << "], \"cpu\": [" << cpu << "]}" << std::endl;
   }
}

} // namespace aeplugin::benchmarks

#endif
