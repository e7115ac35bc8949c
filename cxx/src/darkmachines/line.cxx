#include "line.hxx"

#include "number.hxx"

#include <cstring>

namespace aeplugin::darkmachines::internal {

namespace {

/// A position that moves through one line; every step that fails leaves the line to ExplainLine.
class Scanner {
public:
   explicit Scanner(const char *at) : fAt(at) { SkipBlanks(); }

   const char *At() const { return fAt; }

   bool Separator(char separator)
   {
      SkipBlanks();
      if (*fAt != separator)
         return false;
      ++fAt;
      SkipBlanks();
      return true;
   }

   /// Moves on to the newline if nothing else is left.
   bool LineEnd()
   {
      SkipBlanks();
      if (*fAt == '\r' && fAt[1] == '\n')
         ++fAt;
      return *fAt == '\n';
   }

   bool Unsigned(std::uint64_t &value) { return MoveTo(ParseUnsigned(fAt, value)); }

   template <typename T>
   bool Real(T &value)
   {
      return MoveTo(ParseReal(fAt, value));
   }

   bool Process(std::string_view &process, std::string_view last)
   {
      // strncmp stops at the newline at the latest, which no process has.
      if (!last.empty() && std::strncmp(fAt, last.data(), last.size()) == 0 && fAt[last.size()] == ';') {
         process = {fAt, last.size()};
         fAt += last.size();
         return true;
      }
      const char *const begin = fAt;
      while (*fAt != ';' && *fAt != '\n')
         ++fAt;
      process = Trim({begin, static_cast<std::size_t>(fAt - begin)});
      return IsProcess(process);
   }

   bool Kind(unsigned &kind)
   {
      int length;
      kind = FindKind(fAt, length);
      fAt += length;
      return kind < kKinds;
   }

private:
   void SkipBlanks()
   {
      while (IsBlank(*fAt))
         ++fAt;
   }

   bool MoveTo(const char *next)
   {
      fAt = next;
      return next != nullptr;
   }

   const char *fAt;
};

bool ParseObject(Scanner &scanner, EventRows &rows)
{
   unsigned kind = 0;
   std::array<float, 4> values{};
   if (!scanner.Kind(kind))
      return false;
   for (float &value : values) {
      if (!scanner.Separator(',') || !scanner.Real(value))
         return false;
   }
   rows.AddObject(kind, values);
   return true;
}

/// The objects up to the newline; a `;` stands before each and may stand after the last.
bool ParseObjects(Scanner &scanner, EventRows &rows)
{
   while (scanner.Separator(';') && !scanner.LineEnd()) {
      if (!ParseObject(scanner, rows))
         return false;
   }
   return scanner.LineEnd();
}

bool ParseHead(Scanner &scanner, Event &event, std::string_view lastProcess)
{
   return scanner.Unsigned(event.fId) && scanner.Separator(';') && scanner.Process(event.fProcess, lastProcess) &&
          scanner.Separator(';') && scanner.Real(event.fWeight) && scanner.Separator(';') && scanner.Real(event.fMet) &&
          scanner.Separator(';') && scanner.Real(event.fMetPhi);
}

} // namespace

const char *ParseLine(const char *begin, EventRows &rows)
{
   Scanner scanner(begin);
   if (!scanner.LineEnd()) {
      Event event;
      if (!ParseHead(scanner, event, rows.LastProcess()) || !ParseObjects(scanner, rows)) {
         rows.DropObjects();
         return nullptr;
      }
      rows.AddEvent(event);
   }
   return scanner.At() + 1;
}

} // namespace aeplugin::darkmachines::internal
