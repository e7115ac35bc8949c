#ifndef AEPLUGIN_DARKMACHINES_BLOCK_PARSER_HXX
#define AEPLUGIN_DARKMACHINES_BLOCK_PARSER_HXX

#include "cutter.hxx"
#include "events.hxx"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace aeplugin::darkmachines::internal {

constexpr std::size_t kMessagesKept = 10;

/// What is wrong with a line, numbered from 1 in its text: only the reader, in file order, knows the lines before.
struct LineDefect {
   std::uint64_t fLine = 0;
   std::string fWhat;
};

struct ParsedBlock {
   EventBlock fEvents;
   std::uint64_t fLines = 0;
   std::uint64_t fBadLines = 0;            ///< skipped
   std::vector<LineDefect> fFirstBad;      ///< at most kMessagesKept of them
   std::optional<LineDefect> fMalformed;   ///< a malformed line that was not to be skipped
   std::optional<LineDefect> fNotThisKind; ///< what no text of this format has, and is never skipped
};

/// Parses texts one after the other; one thread owns one of these.
class BlockParser {
public:
   BlockParser(Layout layout, bool skipBadLines) : fRows(layout), fSkipBadLines(skipBadLines) {}

   ParsedBlock Parse(const Text &text);

private:
   bool ParseLines(const char *begin, const char *end, ParsedBlock &block);
   void ParseUnfinishedLine(const char *begin, const char *end, ParsedBlock &block) const;
   template <typename Explain>
   bool Skip(ParsedBlock &block, Explain explain) const;

   EventRows fRows;
   bool fSkipBadLines;
};

} // namespace aeplugin::darkmachines::internal

#endif
