#include "testing.hxx"

#include <aeplugin/darkmachines.hxx>
#include <aeplugin/error.hxx>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>
#include <type_traits>

#include <sys/stat.h>
#include <unistd.h>

namespace {

using aeplugin::CompatibilityError;
using aeplugin::EventBlock;
using aeplugin::InputError;
using aeplugin::darkmachines::BadLines;
using aeplugin::darkmachines::Layout;
using aeplugin::darkmachines::Reader;
using aeplugin::darkmachines::ReaderOptions;
using testing::AreEqual;
using testing::IsTrue;
using testing::Throws;

/// A path for one file, removed at the end.
class TemporaryPath {
public:
   TemporaryPath()
   {
      static int count = 0;
      fPath = (std::filesystem::temp_directory_path() /
               ("aeplugin_dm_" + std::to_string(getpid()) + "_" + std::to_string(count++)))
                 .string();
   }
   ~TemporaryPath() { std::filesystem::remove_all(fPath); }
   TemporaryPath(const TemporaryPath &) = delete;
   TemporaryPath &operator=(const TemporaryPath &) = delete;
   const std::string &Get() const { return fPath; }

private:
   std::string fPath;
};

class TemporaryFile : public TemporaryPath {
public:
   explicit TemporaryFile(const std::string &bytes) { std::ofstream(Get(), std::ios::binary) << bytes; }
};

template <typename T>
void Append(std::vector<T> &to, const std::vector<T> &from)
{
   to.insert(to.end(), from.begin(), from.end());
}

/// All that a reader gives, as one block.
struct Everything {
   EventBlock fEvents;
   BadLines fBad;
   std::size_t fBlocks = 0;
   std::uint64_t fBytesRead = 0;
};

void Add(EventBlock &sum, const EventBlock &block)
{
   AreEqual(block.fFirstEvent, std::uint64_t{sum.fEvents}, "fFirstEvent");
   if (sum.fColumns.empty()) {
      sum = block;
      return;
   }
   for (std::size_t i = 0; i < block.fColumns.size(); ++i)
      std::visit([&](auto &to) { Append(to, std::get<std::decay_t<decltype(to)>>(block.fColumns[i])); },
                 sum.fColumns[i]);
   for (std::size_t i = 0; i < block.fOffsets.size(); ++i) {
      auto &offsets = sum.fOffsets[i];
      AreEqual(block.fOffsets[i].size(), block.fEvents + 1, "offsets");
      AreEqual(block.fOffsets[i].front(), 0u, "first offset");
      const auto base = offsets.back();
      for (std::size_t k = 1; k < block.fOffsets[i].size(); ++k)
         offsets.push_back(base + block.fOffsets[i][k]);
   }
   sum.fEvents += block.fEvents;
}

Everything ReadFile(const std::string &path, const ReaderOptions &options = {})
{
   Everything all;
   Reader reader(path, options);
   EventBlock block;
   while (reader.Next(block)) {
      Add(all.fEvents, block);
      ++all.fBlocks;
   }
   IsTrue(!reader.Next(block), "the end stays the end");
   all.fBad = reader.GetBadLines();
   all.fBytesRead = reader.GetBytesRead();
   return all;
}

Everything ReadText(const std::string &text, const ReaderOptions &options = {})
{
   const TemporaryFile file(text);
   return ReadFile(file.Get(), options);
}

ReaderOptions Options(unsigned threads, std::size_t blockBytes, bool skip = false)
{
   ReaderOptions options;
   options.fThreads = threads;
   options.fBlockBytes = blockBytes;
   options.fSkipBadLines = skip;
   return options;
}

const ReaderOptions kSkip = Options(2, 64, true);

template <typename T>
const std::vector<T> &Column(const EventBlock &block, const std::string &name, Layout layout = Layout::kNanoAOD)
{
   const auto schema = aeplugin::darkmachines::MakeSchema(layout);
   for (std::size_t i = 0; i < schema.fColumns.size(); ++i) {
      if (schema.fColumns[i].fName == name)
         return std::get<std::vector<T>>(block.fColumns.at(i));
   }
   throw std::runtime_error("no column " + name);
}

void AreSame(const Everything &got, const Everything &expected, const std::string &what)
{
   AreEqual(got.fEvents.fEvents, expected.fEvents.fEvents, what + ": events");
   IsTrue(got.fEvents.fColumns == expected.fEvents.fColumns, what + ": columns");
   IsTrue(got.fEvents.fOffsets == expected.fEvents.fOffsets, what + ": offsets");
   AreEqual(got.fBad.fCount, expected.fBad.fCount, what + ": bad lines");
}

/// Reads `line` behind two good lines; the message must name line 3 and contain `part`.
void IsRefused(const std::string &line, const std::string &part)
{
   const TemporaryFile file("1;p;1;2;3;\n2;p;1;2;3;j,1,2,3,4;\n" + line + "\n4;p;1;2;3\n");
   const auto message = file.Get() + ":3: " + part;
   Throws<InputError>([&] { ReadFile(file.Get()); }, message);
   Throws<InputError>([&] { ReadFile(file.Get(), Options(3, 64)); }, message);
   const auto rest = ReadFile(file.Get(), kSkip);
   AreEqual(rest.fBad.fCount, 1u, "skipped");
   AreEqual(rest.fEvents.fEvents, 3u, "events beside the skipped line");
   AreEqual(Column<float>(rest.fEvents, "Jet_E").size(), 1u, "nothing stays of a bad line");
   IsTrue(rest.fBad.fFirst.at(0).rfind(message, 0) == 0, rest.fBad.fFirst.at(0));
}

const std::string kSample = "354;monojet;2.44336e-05;832841;-1.22431;b,947383,824498,-0.523103,1.64421;"
                            "e-,1,2,3,4;m+,5,6,7,8;g,9,10,11,12;j,1.06946e+06,751597,0.858186,-1.84217;\n"
                            "355;monojet;-1.5;0.5;1\r\n"
                            "\n"
                            " 18446744073709551615 ; a b ; +1e-3 ; 2 ; 3 ; m- , 1 , 2 , 3 , 4 ; e+,1,2,3,4 ; \n";

std::string ManyLines(int lines, unsigned seed)
{
   std::mt19937 random(seed);
   std::uniform_real_distribution<float> value(-4, 1e6f);
   const auto &kinds = aeplugin::darkmachines::ObjectKinds();
   std::string text;
   for (int i = 0; i < lines; ++i) {
      text += std::to_string(i) + (i % 3 ? ";top;" : ";a longer name than before;") + "1.25;";
      text += std::to_string(value(random)) + ";" + std::to_string(value(random)) + ";";
      for (auto objects = random() % 6; objects > 0; --objects) {
         text += kinds[random() % kinds.size()];
         for (int k = 0; k < 4; ++k)
            text += "," + std::to_string(value(random));
         text += ";";
      }
      text += "\n";
   }
   return text;
}

std::uint32_t Crc32(const std::string &bytes)
{
   std::uint32_t crc = 0xFFFFFFFFu;
   for (const char c : bytes) {
      crc ^= static_cast<std::uint8_t>(c);
      for (int bit = 0; bit < 8; ++bit)
         crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0u);
   }
   return ~crc;
}

std::string LittleEndian(std::uint32_t value, int bytes)
{
   std::string text;
   for (int i = 0; i < bytes; ++i)
      text += static_cast<char>((value >> (8 * i)) & 0xFF);
   return text;
}

/// One gzip member that stores `text` without compressing it.
std::string Gzip(const std::string &text)
{
   std::string bytes("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
   constexpr std::size_t kMost = 65535;
   for (std::size_t at = 0; at == 0 || at < text.size(); at += kMost) {
      const auto part = text.substr(at, kMost);
      const auto size = static_cast<std::uint32_t>(part.size());
      bytes += std::string(1, at + kMost >= text.size() ? '\1' : '\0');
      bytes += LittleEndian(size, 2) + LittleEndian(~size, 2) + part;
   }
   return bytes + LittleEndian(Crc32(text), 4) + LittleEndian(static_cast<std::uint32_t>(text.size()), 4);
}

void TestSchema()
{
   std::string names;
   for (const auto &column : aeplugin::darkmachines::MakeSchema(Layout::kNanoAOD).fColumns)
      names +=
         column.fName + ":" + aeplugin::ValueTypeName(column.fType) + ":" + std::to_string(column.fCollection) + " ";
   AreEqual(
      names,
      "event:std::uint64_t:-1 process:std::string:-1 weight:double:-1 MET_pt:float:-1 MET_phi:float:-1 "
      "Jet_E:float:0 Jet_pt:float:0 Jet_eta:float:0 Jet_phi:float:0 Jet_btag:bool:0 "
      "Electron_E:float:1 Electron_pt:float:1 Electron_eta:float:1 Electron_phi:float:1 Electron_charge:std::int32_t:1 "
      "Muon_E:float:2 Muon_pt:float:2 Muon_eta:float:2 Muon_phi:float:2 Muon_charge:std::int32_t:2 "
      "Photon_E:float:3 Photon_pt:float:3 Photon_eta:float:3 Photon_phi:float:3 ");
   const auto objects = aeplugin::darkmachines::MakeSchema(Layout::kObjects);
   AreEqual(objects.fCollections.at(0), "Object");
   AreEqual(objects.fColumns.back().fName, "Object_kind");
   IsTrue(objects.fColumns.back().fType == aeplugin::ColumnType::kInt32, "type of Object_kind");
}

void TestNanoAOD()
{
   const auto all = ReadText(kSample);
   const auto &events = all.fEvents;
   AreEqual(events.fEvents, 3u);
   IsTrue(Column<std::uint64_t>(events, "event") == std::vector<std::uint64_t>{354, 355, UINT64_MAX}, "event");
   IsTrue(Column<std::string>(events, "process") == std::vector<std::string>{"monojet", "monojet", "a b"}, "process");
   IsTrue(Column<double>(events, "weight") == std::vector<double>{2.44336e-05, -1.5, 1e-3}, "weight");
   IsTrue(Column<float>(events, "MET_pt") == std::vector<float>{832841, 0.5f, 2}, "MET_pt");
   IsTrue(Column<float>(events, "MET_phi") == std::vector<float>{-1.22431f, 1, 3}, "MET_phi");
   IsTrue(Column<float>(events, "Jet_E") == std::vector<float>{947383, 1.06946e+06f}, "Jet_E");
   IsTrue(Column<float>(events, "Jet_phi") == std::vector<float>{1.64421f, -1.84217f}, "Jet_phi");
   IsTrue(Column<std::uint8_t>(events, "Jet_btag") == std::vector<std::uint8_t>{1, 0}, "Jet_btag");
   IsTrue(Column<std::int32_t>(events, "Electron_charge") == std::vector<std::int32_t>{-1, 1}, "Electron_charge");
   IsTrue(Column<std::int32_t>(events, "Muon_charge") == std::vector<std::int32_t>{1, -1}, "Muon_charge");
   IsTrue(Column<float>(events, "Photon_eta") == std::vector<float>{11}, "Photon_eta");
   const std::vector<std::vector<std::uint64_t>> offsets{{0, 2, 2, 2}, {0, 1, 1, 2}, {0, 1, 1, 2}, {0, 1, 1, 1}};
   IsTrue(events.fOffsets == offsets, "offsets");
   AreEqual(all.fBytesRead, kSample.size(), "bytes read");
}

void TestObjects()
{
   ReaderOptions options;
   options.fLayout = Layout::kObjects;
   const auto all = ReadText(kSample, options);
   const auto &kinds = Column<std::int32_t>(all.fEvents, "Object_kind", Layout::kObjects);
   IsTrue(kinds == std::vector<std::int32_t>{1, 2, 5, 6, 0, 4, 3}, "kinds in file order");
   IsTrue(all.fEvents.fOffsets == std::vector<std::vector<std::uint64_t>>{{0, 5, 5, 7}}, "offsets");
}

/// Reads the tokens as MET and as weight and compares with the C library.
void AreReadLikeStrtod(const std::vector<std::string> &tokens)
{
   std::string text;
   for (const auto &token : tokens)
      text += "1;p;" + token + ";" + token + ";0\n";
   const auto all = ReadText(text);
   const auto &floats = Column<float>(all.fEvents, "MET_pt");
   const auto &doubles = Column<double>(all.fEvents, "weight");
   for (std::size_t i = 0; i < tokens.size(); ++i) {
      const float asFloat = std::strtof(tokens[i].c_str(), nullptr);
      const double asDouble = std::strtod(tokens[i].c_str(), nullptr);
      IsTrue(std::memcmp(&floats.at(i), &asFloat, sizeof asFloat) == 0, "float " + tokens[i]);
      IsTrue(std::memcmp(&doubles.at(i), &asDouble, sizeof asDouble) == 0, "double " + tokens[i]);
   }
}

std::string Print(const char *format, double value)
{
   char buffer[400];
   std::snprintf(buffer, sizeof buffer, format, value);
   return buffer;
}

void TestNumbers()
{
   std::vector<std::string> tokens{"0",
                                   "-0",
                                   "+0.0",
                                   "0e99999999999",
                                   "1E+5",
                                   "12345678",
                                   "123456789",
                                   "0.12345678",
                                   "0.123456789",
                                   "00000000000000000001.5",
                                   "16777215",
                                   "16777217",
                                   "9007199254740993",
                                   "1e-45",
                                   "7e-46",
                                   "1e-400",
                                   "-1e-99999999999",
                                   "1.17549428e-38",
                                   "3.4028235e38",
                                   "3.40282356e38",
                                   "-340282346638528859811704183484516925440",
                                   "1.00000017881393432617187499",
                                   "1.00000017881393432617187500",
                                   "1.00000017881393432617187501",
                                   "33554435",
                                   "33554433.0000000000000000000001",
                                   "0." + std::string(300, '0') + "1e300",
                                   std::string(2000, '0') + "7",
                                   "1." + std::string(5000, '3'),
                                   "1" + std::string(60, '0') + "e-50"};
   std::mt19937_64 random(7);
   for (int i = 0; i < 40000; ++i) {
      const auto bits = static_cast<std::uint32_t>(random());
      float value;
      std::memcpy(&value, &bits, sizeof value);
      if (!std::isfinite(value))
         continue;
      tokens.push_back(Print("%.9g", static_cast<double>(value)));
      tokens.push_back(Print("%.17g", static_cast<double>(value) * (1 + 1e-9)));
      // The middle between two floats, and what a double has beside it: where rounding twice goes wrong.
      const double next = static_cast<double>(std::nextafter(value, 0.f));
      const double middle = next + (static_cast<double>(value) - next) / 2;
      tokens.push_back(Print("%.25g", middle));
      tokens.push_back(Print("%.17g", std::nextafter(middle, 0.)));
      const double usual = static_cast<double>(static_cast<std::int64_t>(random() % 2000000) - 1000000);
      tokens.push_back(Print("%g", usual * 1.7));
      tokens.push_back(Print("%.12f", usual * 1e-4));
   }
   tokens.erase(
      std::remove_if(tokens.begin(), tokens.end(),
                     [](const std::string &token) { return std::isinf(std::strtof(token.c_str(), nullptr)); }),
      tokens.end());
   IsTrue(tokens.size() > 200000, "enough numbers");
   AreReadLikeStrtod(tokens);
}

void TestRefusedNumbers()
{
   for (const std::string token : {"nan", "inf", "-inf", "0x10", "1.5.2", "1e", "1e+", ".5", "5.", "--1", "+-1", "1,5",
                                   "1_000", "1.0f", "abc", "12345678.", "123456789012.e5", "- 1", "1 2"}) {
      IsRefused("7;p;1;" + token + ";3;", "MET: '" + token + "' is not a finite number");
      IsRefused("7;p;" + token + ";2;3;", "event weight: '" + token + "' is not a finite number");
   }
   IsRefused("7;p;1; ;3;", "MET is empty; expected a number");
   IsRefused("7;p;1;2;1e39", "METphi: '1e39' is too large for a 32-bit floating-point number");
   IsRefused("7;p;1;2;3.5e38", "METphi: '3.5e38' is too large");
   IsRefused("7;p;-2e308;2;3", "event weight: '-2e308' is too large for a 64-bit");
   IsRefused("18446744073709551616;p;1;2;3", "event ID: '18446744073709551616' is not an unsigned 64-bit integer");
   IsRefused("-1;p;1;2;3", "event ID: '-1' is not an unsigned");
   IsRefused("1.0;p;1;2;3", "event ID: '1.0' is not an unsigned");
   IsRefused(";p;1;2;3", "event ID: '' is not an unsigned");
}

void TestRefusedLines()
{
   IsRefused("7;p;1;2;3;x,1,2,3,4;", "field 6 (object 1): unknown object 'x'; expected one of j, b, e-, e+, m-, m+, g");
   IsRefused("7;p;1;2;3;j,1,2,3,4;e,1,2,3,4", "field 7 (object 2): unknown object 'e'");
   IsRefused("7;p;1;2;3;j,1,2,3,4;jj,1,2,3,4", "field 7 (object 2): unknown object 'jj'");
   IsRefused("7;p;1;2;3;j,1,2,3,4;j,1,2,3;", "object 2 has 4 values ('j,1,2,3'); expected 5 (obj,E,pt,eta,phi)");
   IsRefused("7;p;1;2;3;j,1,2,3,4,5;", "object 1 has 6 values");
   IsRefused("7;p;1;2;3;j,1,2,3,4;;", "object 2 is empty; expected obj,E,pt,eta,phi");
   IsRefused("7;p;1;2;3;j,1,2,3,4;e-,1,2,inf,4", "object 2: eta: 'inf' is not a finite number");
   IsRefused("7;p;1;2;3;m+,1,,3,4", "object 1: pt is empty; expected a number");
   IsRefused("7;p;1;2;3\r4", "METphi: '3\\x0d4' is not a finite number");
   IsRefused("7;p;1;2", "4 fields ('7;p;1;2'); expected at least 5");
   IsRefused("event,process", "1 field ('event,process'); expected at least 5, separated by ';'");
   IsRefused("7; ;1;2;3", "process ID is empty; expected a name");
   IsRefused("7;a\x01;1;2;3", "process ID: 'a\\x01' is not text");
   IsRefused("7;a\xff;1;2;3", "process ID: 'a\\xff' is not text");
   IsRefused("7;a\xed\xa0\x80;1;2;3", "process ID: 'a\\xed\\xa0\\x80' is not text");
   IsRefused(std::string(100, 'z') + ";p;1;2;3", "event ID: '" + std::string(40, 'z') + "...' is not");
   Throws<InputError>([] { ReadText("x\n"); }, "fSkipBadLines in C++, --on-bad-line skip");
   AreEqual(Column<std::string>(ReadText("7;\xc3\xa9\xe2\x82\xac;1;2;3\n").fEvents, "process").at(0),
            "\xc3\xa9\xe2\x82\xac");
}

void TestUnfinishedLine()
{
   Throws<InputError>([] { ReadText("1;p;1;2;3\n2;p;1;2;3"); },
                      ":2: the last line, '2;p;1;2;3', does not end with a newline: "
                      "the file is truncated");
   const auto rest = ReadText("1;p;1;2;3\n2;p;1;2;3", kSkip);
   AreEqual(rest.fEvents.fEvents, 1u);
   AreEqual(rest.fBad.fCount, 1u);
}

void TestSkipping()
{
   std::string text;
   for (int i = 0; i < 1000; ++i)
      text += i % 4 == 1 ? "bad line\n" : std::to_string(i) + ";p;1;2;3;j,1,2,3,4;\n";
   const TemporaryFile file(text);
   for (unsigned threads = 1; threads <= 4; ++threads) {
      const auto all = ReadFile(file.Get(), Options(threads, 64, true));
      AreEqual(all.fEvents.fEvents, 750u);
      AreEqual(all.fBad.fCount, 250u);
      AreEqual(all.fBad.fFirst.size(), 10u);
      for (std::size_t i = 0; i < 10; ++i)
         IsTrue(all.fBad.fFirst[i].rfind(file.Get() + ":" + std::to_string(4 * i + 2) + ": ", 0) == 0,
                all.fBad.fFirst[i]);
   }
   const auto none = ReadText("a\nb\nc\n", kSkip);
   AreEqual(none.fEvents.fEvents, 0u);
   AreEqual(none.fBad.fCount, 3u);
}

void TestThreads()
{
   const TemporaryFile file(ManyLines(3000, 1));
   const auto expected = ReadFile(file.Get(), Options(1, std::size_t{4} << 20));
   AreEqual(expected.fBlocks, 1u);
   AreEqual(expected.fEvents.fEvents, 3000u);
   for (const std::size_t blockBytes : {0u, 64u, 100u, 1000u, 65536u}) {
      std::size_t blocks = 0;
      for (unsigned threads = 0; threads <= 4; ++threads) {
         const auto got = ReadFile(file.Get(), Options(threads, blockBytes));
         AreSame(got, expected, std::to_string(threads) + " threads, blocks of " + std::to_string(blockBytes));
         AreEqual(got.fBytesRead, std::filesystem::file_size(file.Get()), "bytes read");
         AreEqual(got.fBlocks, blocks == 0 ? got.fBlocks : blocks, "number of blocks");
         blocks = got.fBlocks;
      }
      IsTrue(blocks > 5, "several blocks");
   }
}

/// Good blocks come before the error behind them, and the error stays.
void TestOrderOfErrors()
{
   const TemporaryFile file(ManyLines(500, 2) + "\n\nbad\n" + ManyLines(500, 3));
   for (unsigned threads = 1; threads <= 4; ++threads) {
      Reader reader(file.Get(), Options(threads, 64));
      EventBlock block;
      std::size_t events = 0;
      const auto all = [&] {
         while (reader.Next(block))
            events += block.fEvents;
      };
      Throws<InputError>(all, file.Get() + ":503: 1 field ('bad')");
      IsTrue(events > 490 && events <= 500, "the events before the error");
      Throws<InputError>(all, ":503: ");
   }
}

void TestEarlyEnd()
{
   const TemporaryFile file(ManyLines(5000, 4));
   for (unsigned threads = 1; threads <= 4; ++threads) {
      for (int taken = 0; taken < 20; ++taken) {
         Reader reader(file.Get(), Options(threads, 1000));
         EventBlock block;
         for (int i = 0; i < taken; ++i)
            IsTrue(reader.Next(block), "a block");
      }
   }
}

void TestFiles()
{
   const auto opened = [](const std::string &path) { return [path] { Reader reader(path); }; };
   Throws<InputError>(opened("/nowhere/at all.csv"), "/nowhere/at all.csv: there is no such file");
   Throws<InputError>(opened("/tmp"), "/tmp: this is a directory");
   const TemporaryFile file("1;p;1;2;3\n");
   if (geteuid() != 0) { // nothing is unreadable to root
      chmod(file.Get().c_str(), 0);
      Throws<InputError>(opened(file.Get()), "no permission to read");
   }
   const auto refused = [&](const std::string &bytes, const std::string &part) {
      const TemporaryFile bad(bytes);
      Throws<InputError>(opened(bad.Get()), bad.Get() + ": " + part);
   };
   refused("", "the file is empty");
   refused(Gzip(""), "the file is empty");
   refused(std::string("root\0\0\xf4\x1e", 8), "this looks like a ROOT file; expected Dark Machines text");
   Throws<InputError>([] { ReadText("root:x:0:0:root:/root:/bin/sh\n"); }, ":1: 1 field (");
   refused("\x89HDF\r\n\x1a\n", "this looks like an HDF5 file");
   refused("PK\x03\x04", "this looks like a zip archive; expected Dark Machines text, plain or gzip (decompress");
   refused("\x28\xb5\x2f\xfd", "this looks like a zstd file");
   refused(std::string("\xfd"
                       "7zXZ\0",
                       6),
           "this looks like an xz file");
   refused("BZh9", "this looks like a bzip2 file");
   refused(Gzip(Gzip("1;p;1;2;3\n")), "this looks like a gzip file inside a gzip file");
   refused(std::string("1;p\0", 4), "this looks like a binary file");
   AreEqual(ReadText("\n \n\r\n").fEvents.fEvents, 0u, "blank lines are no events");
}

void TestNoText()
{
   const auto zero = ManyLines(100, 5) + std::string("1;p;\0;2;3\n", 10);
   const auto longLine = "1;p;1;2;3;" + std::string((1 << 20) + 1, ' ');
   for (const std::size_t blockBytes : {std::size_t{64}, std::size_t{4} << 20}) {
      for (const bool skip : {false, true}) {
         const auto options = Options(2, blockBytes, skip);
         Throws<InputError>([&] { ReadText(zero, options); }, ":101: a zero byte: this is a binary file");
         for (const std::string end : {"", "\n", "\n1;p;1;2;3\n"})
            Throws<InputError>([&] { ReadText("1;p;1;2;3\n\n" + longLine + end, options); },
                               ":3: '1;p;1;2;3;                              ...' is longer than 1048576 bytes");
      }
      const auto longest = longLine.substr(0, 1 << 20) + "\n";
      AreEqual(ReadText(longest + longest, Options(2, blockBytes)).fEvents.fEvents, 2u, "the longest lines");
   }
}

void TestGzip()
{
   const auto text = ManyLines(3000, 6);
   const auto expected = ReadText(text);
   const auto zipped = Gzip(text);
   for (unsigned threads = 1; threads <= 3; ++threads) {
      const auto options = Options(threads, 5000);
      AreSame(ReadText(zipped, options), expected, "gzip");
      AreSame(ReadText(Gzip(text.substr(0, 777)) + Gzip("") + Gzip(text.substr(777)), options), expected, "members");
      AreSame(ReadText(zipped + std::string(600000, '\0'), options), expected, "padding");
      AreEqual(ReadText(zipped, options).fBytesRead, zipped.size(), "bytes read");
      Throws<InputError>([&] { ReadText(zipped + "x", options); }, ": other bytes follow the gzip data");
      Throws<InputError>([&] { ReadText(zipped + std::string("\0\x1f", 2), options); }, ": other bytes follow");
      for (const std::size_t less : {1u, 8u, 9u, 1000u, 100000u})
         Throws<InputError>([&] { ReadText(zipped.substr(0, zipped.size() - less), options); },
                            ": the gzip data stop in the middle after " + std::to_string(zipped.size() - less));
      auto damaged = zipped;
      damaged[damaged.size() / 2] ^= 1;
      Throws<InputError>([&] { ReadText(damaged, options); }, "");
      damaged = zipped;
      damaged[damaged.size() - 6] ^= 1;
      Throws<InputError>([&] { ReadText(damaged, options); },
                         ": the gzip data are damaged (zlib: incorrect data check)");
   }
   Throws<InputError>([] { ReadText("\x1f\x8b"); }, ": the gzip data stop in the middle");
   Throws<InputError>([] { ReadText("\x1f\x8b no gzip at all"); }, ": the gzip data are damaged");
}

void TestPipe()
{
   const TemporaryPath pipe;
   AreEqual(mkfifo(pipe.Get().c_str(), 0600), 0, "mkfifo");
   const auto text = ManyLines(2000, 8);
   std::thread writer([&] { std::ofstream(pipe.Get(), std::ios::binary) << text; });
   const auto got = ReadFile(pipe.Get(), Options(2, 3000));
   writer.join();
   AreSame(got, ReadText(text), "pipe");
}

/// A reader whose pipe stays silent can still be destroyed.
void TestSilentPipe()
{
   const TemporaryPath pipe;
   AreEqual(mkfifo(pipe.Get().c_str(), 0600), 0, "mkfifo");
   std::atomic<bool> done{false};
   std::thread writer([&] {
      std::ofstream stream(pipe.Get(), std::ios::binary);
      stream << ManyLines(20, 9) << std::flush;
      while (!done)
         std::this_thread::sleep_for(std::chrono::milliseconds(5));
   });
   {
      Reader reader(pipe.Get(), Options(2, std::size_t{1} << 20));
      AreEqual(reader.GetFileSize(), 0u, "size of a pipe");
   }
   done = true;
   writer.join();
}

/// Reads whatever comes; only the library's own errors may come out.
std::size_t Survive(const std::string &bytes, const ReaderOptions &options)
{
   try {
      return ReadText(bytes, options).fEvents.fEvents;
   } catch (const aeplugin::Error &error) {
      const std::string message = error.what();
      IsTrue(message.find("is not an event") == std::string::npos, "no reason is given: " + message);
      return 0;
   }
}

void TestMutations()
{
   std::mt19937 random(10);
   const std::string bytes = std::string(";,-+.eE0123456789jbgm \t\r\n\0\x1f\xff", 28);
   std::size_t events = 0;
   for (unsigned i = 0; i < 3000; ++i) {
      auto text = i % 5 == 0 ? Gzip(kSample) : kSample;
      for (auto changes = random() % 4; changes > 0; --changes) {
         const auto at = random() % text.size();
         const auto byte = bytes[random() % bytes.size()];
         if (random() % 3 == 0)
            text.insert(at, 1, byte);
         else if (random() % 2 == 0)
            text.erase(at, 1 + random() % 5);
         else
            text[at] = byte;
      }
      if (random() % 4 == 0)
         text.resize(random() % text.size());
      events += Survive(text, Options(1 + i % 3, 64, i % 2 == 0));
   }
   IsTrue(events > 1000, "most of the lines survive");
}

void TestTruncationAtEveryByte()
{
   for (std::size_t size = 0; size < kSample.size(); ++size) {
      const bool wholeLines = size > 0 && kSample[size - 1] == '\n';
      const auto read = [&] { ReadText(kSample.substr(0, size), Options(1, 64)); };
      if (wholeLines)
         read();
      else
         Throws<InputError>(read, size == 0 ? "empty" : "truncated");
   }
}

void TestSharedData()
{
   const char *const folder = std::getenv("AEPLUGIN_SHARED_DATA");
   if (!folder)
      return;
   const auto real =
      ReadFile(std::string(folder) + "/darkmachines/monojet_Zp2000.0_DM_50.0_chan3.csv", Options(2, 50000));
   AreEqual(real.fEvents.fEvents, 4800u);
   AreEqual(Column<float>(real.fEvents, "Jet_pt").size(), 17092u + 532u);
   AreEqual(Column<float>(real.fEvents, "Photon_pt").size(), 67u);
   AreEqual(ReadFile(std::string(folder) + "/generated/ttbar.csv.gz", Options(2, 50000)).fEvents.fEvents, 15000u);
}

} // namespace

int main()
{
   testing::Suite suite;
   suite.Case("schema", TestSchema);
   suite.Case("NanoAOD layout", TestNanoAOD);
   suite.Case("Objects layout", TestObjects);
   suite.Case("numbers", TestNumbers);
   suite.Case("refused numbers", TestRefusedNumbers);
   suite.Case("refused lines", TestRefusedLines);
   suite.Case("unfinished line", TestUnfinishedLine);
   suite.Case("skipping", TestSkipping);
   suite.Case("threads and block sizes", TestThreads);
   suite.Case("order of errors", TestOrderOfErrors);
   suite.Case("early end", TestEarlyEnd);
   suite.Case("files", TestFiles);
   suite.Case("no text", TestNoText);
   suite.Case("gzip", TestGzip);
   suite.Case("pipe", TestPipe);
   suite.Case("silent pipe", TestSilentPipe);
   suite.Case("mutations", TestMutations);
   suite.Case("truncation at every byte", TestTruncationAtEveryByte);
   suite.Case("shared data", TestSharedData);
   return suite.ExitCode();
}
