#include "line.hxx"

#include "number.hxx"
#include "quote.hxx"

#include <cstdint>
#include <vector>

namespace aeplugin::darkmachines::internal {

namespace {

constexpr std::size_t kHeadFields = 5;
constexpr std::size_t kObjectValues = 5;

std::vector<std::string_view> Split(std::string_view text, char separator)
{
   std::vector<std::string_view> parts;
   for (std::size_t at; (at = text.find(separator)) != std::string_view::npos; text.remove_prefix(at + 1))
      parts.push_back(Trim(text.substr(0, at)));
   parts.push_back(Trim(text));
   return parts;
}

/// What is wrong with a real number; empty if nothing is.
template <typename T>
std::string ExplainReal(std::string_view token)
{
   const char *const end = token.data() + token.size();
   T value;
   if (!token.empty() && ParseReal(token.data(), value) == end)
      return "";
   if (token.empty())
      return "is empty; expected a number";
   Decimal decimal;
   if (ScanDecimal(token.data(), decimal) == end)
      return Quote(token) + " is too large for a " + std::to_string(8 * sizeof(T)) + "-bit floating-point number";
   return Quote(token) + " is not a finite number";
}

std::string ExplainId(std::string_view token)
{
   std::uint64_t value;
   if (!token.empty() && ParseUnsigned(token.data(), value) == token.data() + token.size())
      return "";
   return Quote(token) + " is not an unsigned 64-bit integer";
}

std::string ExplainProcess(std::string_view token)
{
   if (IsProcess(token))
      return "";
   return token.empty() ? "is empty; expected a name"
                        : Quote(token) + " is not text (UTF-8 without control characters)";
}

std::string Label(const std::string &label, const std::string &defect)
{
   return defect.empty() || defect.compare(0, 3, "is ") == 0 ? label + " " + defect : label + ": " + defect;
}

std::string ExplainHead(const std::vector<std::string_view> &fields)
{
   const std::string defects[kHeadFields] = {ExplainId(fields[0]), ExplainProcess(fields[1]),
                                             ExplainReal<double>(fields[2]), ExplainReal<float>(fields[3]),
                                             ExplainReal<float>(fields[4])};
   const char *const names[kHeadFields] = {"event ID", "process ID", "event weight", "MET", "METphi"};
   for (std::size_t i = 0; i < kHeadFields; ++i) {
      if (!defects[i].empty())
         return Label(names[i], defects[i]);
   }
   return "";
}

bool IsKind(std::string_view name)
{
   for (const auto &kind : ObjectKinds()) {
      if (name == kind)
         return true;
   }
   return false;
}

std::string UnknownObject(std::size_t field, const std::string &object, std::string_view name)
{
   std::string message =
      "field " + std::to_string(field) + " (" + object + "): unknown object " + Quote(name) + "; expected one of ";
   for (const auto &kind : ObjectKinds())
      message += kind + (&kind == &ObjectKinds().back() ? "" : ", ");
   return message;
}

std::string ExplainObject(std::size_t index, std::string_view text)
{
   const std::string object = "object " + std::to_string(index + 1);
   if (text.empty())
      return object + " is empty; expected obj,E,pt,eta,phi";
   const auto values = Split(text, ',');
   if (values.size() != kObjectValues)
      return object + " has " + std::to_string(values.size()) + (values.size() == 1 ? " value (" : " values (") +
             Quote(text) + "); expected 5 (obj,E,pt,eta,phi)";
   if (!IsKind(values[0]))
      return UnknownObject(kHeadFields + index + 1, object, values[0]);
   const char *const names[kObjectValues] = {"obj", "E", "pt", "eta", "phi"};
   for (std::size_t i = 1; i < kObjectValues; ++i) {
      const auto defect = ExplainReal<float>(values[i]);
      if (!defect.empty())
         return object + ": " + Label(names[i], defect);
   }
   return "";
}

} // namespace

std::string ExplainLine(std::string_view line)
{
   if (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
   auto fields = Split(line, ';');
   if (fields.size() > 1 && fields.back().empty())
      fields.pop_back();
   if (fields.size() < kHeadFields)
      return std::to_string(fields.size()) + (fields.size() == 1 ? " field (" : " fields (") + Quote(line) +
             "); expected at least 5, separated by ';' (event ID; process ID; event weight; MET; METphi)";
   auto defect = ExplainHead(fields);
   for (std::size_t i = kHeadFields; defect.empty() && i < fields.size(); ++i)
      defect = ExplainObject(i - kHeadFields, fields[i]);
   return defect.empty() ? Quote(line) + " is not an event" : defect;
}

} // namespace aeplugin::darkmachines::internal
