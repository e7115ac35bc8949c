// How fast the Dark Machines reader is, beside a plain fread of the same bytes: parse_darkmachines FILE
// Prints one JSON line about itself, then one per line of standard input; parsing.py drives it.

#include "rounds.hxx"

#include <aeplugin/darkmachines.hxx>

#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::uint64_t ReadBytes(const std::string &path)
{
   const std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
   if (!file)
      throw std::runtime_error("cannot open " + path);
   std::vector<char> buffer(std::size_t{4} << 20);
   std::uint64_t bytes = 0;
   while (const auto got = std::fread(buffer.data(), 1, buffer.size(), file.get()))
      bytes += got;
   return bytes;
}

std::uint64_t CountEvents(const std::string &path, unsigned threads)
{
   aeplugin::darkmachines::ReaderOptions options;
   options.fThreads = threads;
   aeplugin::darkmachines::Reader reader(path, options);
   aeplugin::EventBlock block;
   std::uint64_t events = 0;
   while (reader.Next(block))
      events += block.fEvents;
   return events;
}

} // namespace

int main(int argc, char **argv)
{
   if (argc != 2) {
      std::cerr << "usage: parse_darkmachines FILE\n";
      return 2;
   }
   try {
      const std::string path = argv[1];
      const std::string facts =
         "\"bytes\": " + std::to_string(ReadBytes(path)) + ", \"events\": " + std::to_string(CountEvents(path, 1));
      aeplugin::benchmarks::ServeRounds(facts, {{"fread", [&] { ReadBytes(path); }},
                                                {"Reader, 1 thread", [&] { CountEvents(path, 1); }},
                                                {"Reader, 2 threads", [&] { CountEvents(path, 2); }}});
   } catch (const std::exception &error) {
      std::cerr << error.what() << '\n';
      return 1;
   }
   return 0;
}
