#include <aeplugin/nearest.hxx>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <numeric>

namespace aeplugin {
namespace {

constexpr std::size_t kMostListed = 12;

/// Levenshtein's distance without regard to case: insertions, deletions and replacements from one name to the other.
std::size_t Distance(const std::string &a, const std::string &b)
{
   const auto same = [](char x, char y) {
      return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
   };
   std::vector<std::size_t> row(b.size() + 1);
   std::iota(row.begin(), row.end(), std::size_t{0});
   for (std::size_t i = 0; i < a.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i + 1;
      for (std::size_t j = 0; j < b.size(); ++j) {
         const std::size_t replaced = diagonal + (same(a[i], b[j]) ? 0 : 1);
         diagonal = row[j + 1];
         row[j + 1] = std::min({row[j + 1] + 1, row[j] + 1, replaced});
      }
   }
   return row[b.size()];
}

} // namespace

std::string Nearest(const std::string &name, const std::vector<std::string> &known)
{
   if (known.empty())
      return "; there are none";
   const auto nearest = std::min_element(known.begin(), known.end(), [&](const std::string &a, const std::string &b) {
      return Distance(name, a) < Distance(name, b);
   });
   // Half of the letters right is near enough to be helpful and far enough from chance.
   if (2 * Distance(name, *nearest) <= std::max(name.size(), nearest->size()))
      return "; did you mean '" + *nearest + "'?";
   std::string listed;
   for (std::size_t i = 0; i < std::min(known.size(), kMostListed); ++i)
      listed += (i == 0 ? "" : ", ") + known[i];
   return "; known are " + listed + (known.size() > kMostListed ? " ..." : "");
}

} // namespace aeplugin
