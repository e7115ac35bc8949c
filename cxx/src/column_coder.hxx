#ifndef AEPLUGIN_COLUMN_CODER_HXX
#define AEPLUGIN_COLUMN_CODER_HXX

#include "bytes.hxx"

#include <aeplugin/layout.hxx>
#include <aeplugin/quantiser.hxx>
#include <aeplugin/table.hxx>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace aeplugin {

/// Whether integers of a type can be grid integers: those of up to 32 bits, and booleans.
bool IsGridType(ColumnType type);

/// Turns the values of a column of a group into grid integers and back: by a quantiser, or, where they are exact
/// integers, as they are.
class ColumnCoder {
public:
   ColumnCoder(const CompressedColumn &column, const TableColumn &original, const std::string &instructionSet);

   /// Nothing for a column of exact integers.
   const std::optional<Quantiser> &GetQuantiser() const { return fQuantiser; }

   /// The bits of values that are kept exactly are appended to `exact`.
   std::vector<Grid> Encode(const ColumnValues &values, std::vector<std::uint64_t> &exact,
                            QuantiserSummary &summary) const;
   /// \throws CorruptionError for integers that no value has
   ColumnValues Decode(const std::vector<Grid> &grid, const std::vector<std::uint64_t> &exact) const;

   /// The bits of exact values as they are stored, in the size of their type.
   std::string ExactBytes(const std::vector<std::uint64_t> &exact) const;
   std::vector<std::uint64_t> ReadExact(ByteReader &in) const;

private:
   ColumnType fType;
   std::optional<Quantiser> fQuantiser;
};

} // namespace aeplugin

#endif
