#include "model_limits.hxx"
#include "names.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/model.hxx>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

// What a column of a model may be.
namespace aeplugin {
namespace {

/// Whether numbers are finite and each is larger than the one before it.
template <typename Number>
bool Increase(const std::vector<Number> &numbers)
{
   return std::all_of(numbers.begin(), numbers.end(), [](Number x) { return std::isfinite(static_cast<double>(x)); }) &&
          std::adjacent_find(numbers.begin(), numbers.end(), std::greater_equal<Number>()) == numbers.end();
}

void ValidateScale(const ModelColumn &column, const std::string &here)
{
   if (!std::isfinite(column.fMean) || !std::isfinite(column.fScale) || !(column.fScale > 0))
      throw ModelError(here + " has mean " + std::to_string(column.fMean) + " and scale " +
                       std::to_string(column.fScale) + "; expected finite ones and a scale above 0");
   const bool fixedScale = column.fTransform == Transform::kCircle || column.fTransform == Transform::kLabel;
   if (fixedScale && column.fScale != 1)
      throw ModelError(here + " has scale " + std::to_string(column.fScale) + "; a circle or a label has 1");
   if (column.fTransform == Transform::kLabel && column.fMean != 0)
      throw ModelError(here + " has mean " + std::to_string(column.fMean) + "; a label has 0");
}

void ValidateFactor(const ModelColumn &column, const std::string &here)
{
   const bool possible = column.fTransform == Transform::kLog10
                            ? std::isfinite(column.fFactor) && column.fFactor != 0 && std::isfinite(column.fOffset)
                            : column.fFactor == 1 && column.fOffset == 0;
   if (!possible)
      throw ModelError(here + " has factor " + std::to_string(column.fFactor) + " and offset " +
                       std::to_string(column.fOffset) +
                       "; expected finite ones and no factor of 0 with log10, else 1 and 0");
}

void ValidateKnots(const ModelColumn &column, const std::string &here)
{
   const std::size_t knots = column.fKnots.size();
   if (column.fTransform != Transform::kQuantile) {
      if (knots != 0 || !column.fKnotsTo.empty())
         throw ModelError(here + " has knots; only a column of quantiles has some");
      return;
   }
   if (knots < kMinKnots || knots > kMaxKnots || column.fKnotsTo.size() != knots)
      throw ModelError(here + " has knots at " + std::to_string(knots) + " values for " +
                       std::to_string(column.fKnotsTo.size()) + " others; expected " + std::to_string(kMinKnots) +
                       " to " + std::to_string(kMaxKnots) + " and as many");
   if (!Increase(column.fKnots) || !Increase(column.fKnotsTo))
      throw ModelError(here + " has knots that do not increase, or are not finite");
}

void ValidateLabels(const ModelColumn &column, const std::string &here)
{
   if (column.fTransform != Transform::kLabel) {
      if (!column.fLabels.empty())
         throw ModelError(here + " has categories; only a label has some");
      return;
   }
   if (!IsName(column.fVariable) || column.fVariable.find('.') != std::string::npos)
      throw ModelError(here + ": variable '" + column.fVariable +
                       "' of a label is no name; expected letters, digits and _, and no digit first");
   if (column.fLabels.empty() || column.fLabels.size() > kMaxLabels)
      throw ModelError(here + " has " + std::to_string(column.fLabels.size()) + " categories; expected 1 to " +
                       std::to_string(kMaxLabels));
   if (!Increase(column.fLabels) || column.fLabels.front() < -kLargestLabel || column.fLabels.back() > kLargestLabel)
      throw ModelError(here + " has categories that do not increase, or are beyond " + std::to_string(kLargestLabel));
}

} // namespace

bool IsName(const std::string &text)
{
   const auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
   const auto isRest = [&](char c) { return isLetter(c) || (c >= '0' && c <= '9') || c == '.'; };
   return !text.empty() && isLetter(text.front()) && std::all_of(text.begin(), text.end(), isRest);
}

std::size_t ModelColumn::Features() const
{
   return fTransform == Transform::kCircle ? 2 : fTransform == Transform::kLabel ? 0 : 1;
}

void ValidateColumns(const std::vector<ModelColumn> &columns, const std::string &where)
{
   if (columns.size() > kMaxColumns)
      throw ModelError(where + ": has " + std::to_string(columns.size()) + " columns; expected at most " +
                       std::to_string(kMaxColumns));
   std::set<std::string> names;
   for (const ModelColumn &column : columns) {
      const std::string here = where + ": column '" + column.fColumn + "'";
      if (column.fColumn.empty() || !names.insert(column.fColumn).second)
         throw ModelError(here + " is empty or stands twice");
      if (!IsName(column.fColumn))
         throw ModelError(here + ": names consist of letters, digits, _ and ., and do not begin with a digit");
      ValidateScale(column, here);
      ValidateFactor(column, here);
      ValidateKnots(column, here);
      ValidateLabels(column, here);
      if (column.fTransform == Transform::kLabel && &column != &columns.back())
         throw ModelError(here + " is a label; expected at most one, as the last column");
   }
   if (std::all_of(columns.begin(), columns.end(), [](const auto &column) { return column.Features() == 0; }))
      throw ModelError(where + ": has no columns that a network could take");
}

} // namespace aeplugin
