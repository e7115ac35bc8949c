#include "block_parser.hxx"

#include "line.hxx"
#include "quote.hxx"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace aeplugin::darkmachines::internal {

namespace {

std::string_view View(const char *begin, const char *end)
{
   return {begin, static_cast<std::size_t>(end - begin)};
}

const char *AfterNewline(const char *begin, const char *end)
{
   return static_cast<const char *>(std::memchr(begin, '\n', static_cast<std::size_t>(end - begin))) + 1;
}

std::optional<LineDefect> FindZeroByte(const Text &text)
{
   const auto all = View(text.Begin(), text.End());
   const auto at = all.find('\0');
   if (at == std::string_view::npos)
      return std::nullopt;
   const auto before = std::count(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(at), '\n');
   return LineDefect{static_cast<std::uint64_t>(before) + 1,
                     "a zero byte: this is a binary file or a damaged one; expected Dark Machines text, plain or gzip"};
}

LineDefect TooLong(std::uint64_t line, std::string_view text)
{
   return {line, Quote(text) + " is longer than " + std::to_string(kMaxLineBytes) +
                    " bytes; expected Dark Machines text, one event per line"};
}

} // namespace

/// Counts the present line as bad if such lines are to be skipped, else makes it the block's error.
template <typename Explain>
bool BlockParser::Skip(ParsedBlock &block, Explain explain) const
{
   if (!fSkipBadLines) {
      block.fMalformed = LineDefect{block.fLines, explain()};
      return false;
   }
   ++block.fBadLines;
   if (block.fFirstBad.size() < kMessagesKept)
      block.fFirstBad.push_back({block.fLines, explain()});
   return true;
}

bool BlockParser::ParseLines(const char *begin, const char *end, ParsedBlock &block)
{
   while (begin < end) {
      ++block.fLines;
      const char *next = ParseLine(begin, fRows);
      const bool good = next != nullptr;
      if (!good)
         next = AfterNewline(begin, end);
      const auto line = View(begin, next - 1);
      if (line.size() > kMaxLineBytes) {
         block.fNotThisKind = TooLong(block.fLines, line);
         return false;
      }
      if (!good && !Skip(block, [line] { return ExplainLine(line); }))
         return false;
      begin = next;
   }
   return true;
}

/// A last line without its newline is refused even if it could be read: half a number is a number too.
void BlockParser::ParseUnfinishedLine(const char *begin, const char *end, ParsedBlock &block) const
{
   const auto line = View(begin, end);
   ++block.fLines;
   if (line.size() > kMaxLineBytes)
      block.fNotThisKind = TooLong(block.fLines, line);
   else
      Skip(block, [line] {
         return "the last line, " + Quote(line) +
                ", does not end with a newline: the file is truncated; copy or make it again "
                "(or add the newline, if the line is complete)";
      });
}

ParsedBlock BlockParser::Parse(const Text &text)
{
   ParsedBlock block;
   fRows.Clear();
   block.fNotThisKind = FindZeroByte(text);
   if (!block.fNotThisKind && ParseLines(text.Begin(), text.LinesEnd(), block) && text.LinesEnd() != text.End())
      ParseUnfinishedLine(text.LinesEnd(), text.End(), block);
   if (!block.fMalformed && !block.fNotThisKind)
      block.fEvents = fRows.MakeBlock();
   return block;
}

} // namespace aeplugin::darkmachines::internal
