#ifndef AEPLUGIN_DARKMACHINES_LINE_HXX
#define AEPLUGIN_DARKMACHINES_LINE_HXX

#include "events.hxx"

#include <string>
#include <string_view>

namespace aeplugin::darkmachines::internal {

/// Appends the event of the line at `begin` to `rows`; an empty line appends nothing. The line must end with a newline
/// and be followed by kPadding readable bytes.
/// \return the position after the newline, or nullptr (and `rows` as before) where the line is malformed
const char *ParseLine(const char *begin, EventRows &rows);

/// Says what is wrong with a line (given without its newline) that ParseLine has refused.
std::string ExplainLine(std::string_view line);

/// The codes of ObjectKinds(); `length` becomes that of the name. \return kKinds for any other name
inline unsigned FindKind(const char *name, int &length)
{
   length = 1;
   switch (*name) {
   case 'j':
      return 0;
   case 'b':
      return 1;
   case 'g':
      return 6;
   case 'e':
   case 'm': {
      length = 2;
      const unsigned negative = *name == 'e' ? 2 : 4;
      return name[1] == '-' ? negative : name[1] == '+' ? negative + 1 : static_cast<unsigned>(kKinds);
   }
   default:
      return static_cast<unsigned>(kKinds);
   }
}

inline bool IsBlank(char c)
{
   return c == ' ' || c == '\t';
}

/// Whether a process ID is text that every consumer can show: UTF-8 without control characters, not empty.
bool IsProcess(std::string_view process);

std::string_view Trim(std::string_view text);

} // namespace aeplugin::darkmachines::internal

#endif
