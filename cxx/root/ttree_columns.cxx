#include "ttree_columns.hxx"

#include "nested.hxx"
#include "root_messages.hxx"

#include <TBranchElement.h>
#include <TBufferFile.h>
#include <TLeafC.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

namespace aeplugin::rdf {
namespace {

/// The bytes of a leaf in memory. What ROOT stores with fewer bits than it has in memory, it says the wrong size of.
std::size_t BytesInMemory(const TLeaf &leaf)
{
   constexpr std::size_t kLargestValue = 8;
   std::size_t n = static_cast<std::size_t>(std::max(1, leaf.GetLenStatic()));
   if (const TLeaf *counter = leaf.GetLeafCount())
      n *= static_cast<std::size_t>(std::max(0, counter->GetMaximum())) + 1;
   else if (leaf.IsA() == TLeafC::Class())
      n = static_cast<std::size_t>(std::max(leaf.GetLenStatic(), leaf.GetMaximum())) + 1;
   return n * kLargestValue;
}

/// A leaf with numbers: one, an array, or an array with a counter.
template <typename T>
class LeafColumn : public TreeColumn {
public:
   LeafColumn(const TableColumn &column, TLeaf &leaf, BranchBuffers &buffers)
      : fLeaf(leaf), fBuffer(buffers.Of(leaf)), fSize(column.fShape == Shape::kArray ? column.fArraySize : 1)
   {
   }

   void Read(Long64_t first, std::size_t n, ColumnBlock &block) override
   {
      auto &values = ValuesOf<T>(block);
      const TLeaf *counter = fLeaf.GetLeafCount();
      values.reserve(n * fSize);
      fLeaf.GetBranch()->ResetReadEntry(); // reading by baskets leaves an entry that is not in the buffer
      if (counter != nullptr)
         counter->GetBranch()->ResetReadEntry();
      for (Long64_t entry = first; entry < first + static_cast<Long64_t>(n); ++entry) {
         ReadEntry(*fLeaf.GetBranch(), entry, counter != nullptr);
         const std::size_t size = counter == nullptr ? fSize : Count(*counter, entry);
         for (std::size_t i = 0; i < size; ++i)
            values.push_back(Value(i));
         if (!block.fOffsets.empty())
            block.fOffsets[0].push_back(values.size());
      }
   }

private:
   static std::size_t Count(const TLeaf &counter, Long64_t entry)
   {
      const auto count = counter.GetValueLong64();
      if (count < 0 || count > counter.GetMaximum())
         throw std::runtime_error("entry " + std::to_string(entry) + ": the counter " + counter.GetName() + " is " +
                                  std::to_string(count) + ", expected 0 to " + std::to_string(counter.GetMaximum()));
      return static_cast<std::size_t>(count);
   }

   Stored<T> Value(std::size_t index) const
   {
      Stored<T> value;
      std::memcpy(&value, fBuffer + index * sizeof value, sizeof value);
      if constexpr (std::is_same_v<T, bool>)
         value = value != 0;
      return value;
   }

   TLeaf &fLeaf;
   const char *fBuffer;
   std::size_t fSize;
};

/// A branch with one leaf and as many numbers in every entry, which ROOT can read basket by basket.
template <typename T>
class BasketColumn : public TreeColumn {
public:
   BasketColumn(const TableColumn &column, TLeaf &leaf, BranchBuffers &buffers)
      : fEntryByEntry(column, leaf, buffers), fBranch(*leaf.GetBranch()),
        fSize(column.fShape == Shape::kArray ? column.fArraySize : 1)
   {
   }

   void Read(Long64_t first, std::size_t n, ColumnBlock &block) override
   {
      auto &values = ValuesOf<T>(block);
      values.reserve(n * fSize);
      const Long64_t end = first + static_cast<Long64_t>(n);
      for (Long64_t entry = first; entry < end;) {
         if ((entry < fBegin || entry >= fEnd) && !Load(entry)) {
            fEntryByEntry.Read(entry++, 1, block);
            continue;
         }
         const Long64_t stop = std::min(fEnd, end);
         Append(entry, stop, values);
         entry = stop;
      }
      if (!block.fOffsets.empty()) {
         block.fOffsets[0].clear();
         for (std::size_t event = 0; event <= n; ++event)
            block.fOffsets[0].push_back(event * fSize);
      }
   }

private:
   /// Reads the basket with an entry. Says no for one that ROOT reads only entry by entry, or not at all.
   bool Load(Long64_t entry)
   {
      const Long64_t *begins = fBranch.GetBasketEntry();
      const Long64_t *next = std::upper_bound(begins, begins + fBranch.GetWriteBasket() + 1, entry);
      if (!fHasBaskets || next == begins)
         return false;
      const RootMessages ignored; // what is damaged fails entry by entry, too
      const Int_t n = fBranch.GetBulkRead().GetBulkEntries(*(next - 1), fBuffer);
      fHasBaskets = n > 0;
      fBegin = *(next - 1);
      fEnd = fBegin + std::max(0, n);
      return entry < fEnd;
   }

   void Append(Long64_t begin, Long64_t end, std::vector<Stored<T>> &values) const
   {
      const char *data = fBuffer.GetCurrent() + static_cast<std::size_t>(begin - fBegin) * fSize * sizeof(T);
      const std::size_t n = static_cast<std::size_t>(end - begin) * fSize;
      const std::size_t old = values.size();
      values.resize(old + n);
      std::memcpy(values.data() + old, data, n * sizeof(T));
      if constexpr (std::is_same_v<T, bool>)
         std::transform(values.begin() + static_cast<std::ptrdiff_t>(old), values.end(),
                        values.begin() + static_cast<std::ptrdiff_t>(old),
                        [](std::uint8_t value) { return static_cast<std::uint8_t>(value != 0); });
   }

   LeafColumn<T> fEntryByEntry;
   TBranch &fBranch;
   std::size_t fSize;
   TBufferFile fBuffer{TBuffer::kRead, 1 << 15};
   bool fHasBaskets = true; ///< until ROOT fails to read one
   Long64_t fBegin = 0;     ///< entries in the buffer
   Long64_t fEnd = 0;
};

/// A C string.
class CStringColumn : public TreeColumn {
public:
   CStringColumn(TLeaf &leaf, BranchBuffers &buffers) : fLeaf(leaf), fBuffer(buffers.Of(leaf)) {}

   void Read(Long64_t first, std::size_t n, ColumnBlock &block) override
   {
      auto &values = ValuesOf<std::string>(block);
      for (Long64_t entry = first; entry < first + static_cast<Long64_t>(n); ++entry) {
         constexpr bool kMayBeEmpty = true;
         ReadEntry(*fLeaf.GetBranch(), entry, kMayBeEmpty);
         values.emplace_back(fBuffer);
      }
   }

private:
   TLeaf &fLeaf;
   const char *fBuffer;
};

} // namespace

char *BranchBuffers::OfBranch(TBranch &branch)
{
   auto &buffer = fBuffers[&branch];
   if (buffer.empty()) {
      std::size_t bytes = 0;
      for (const auto *object : *branch.GetListOfLeaves()) {
         const auto &leaf = *static_cast<const TLeaf *>(object);
         bytes = std::max(bytes, static_cast<std::size_t>(leaf.GetOffset()) + BytesInMemory(leaf));
      }
      buffer.resize(bytes);
      branch.SetAddress(buffer.data());
   }
   return buffer.data();
}

const char *BranchBuffers::Of(TLeaf &leaf)
{
   if (TLeaf *counter = leaf.GetLeafCount())
      OfBranch(*counter->GetBranch());
   return OfBranch(*leaf.GetBranch()) + leaf.GetOffset();
}

void ReadEntry(TBranch &branch, Long64_t entry, bool mayBeEmpty)
{
   constexpr Int_t kAlsoInactive = 1;
   const Int_t bytes = branch.GetEntry(entry, kAlsoInactive);
   if (bytes < 0 || (bytes == 0 && !mayBeEmpty))
      throw std::runtime_error("ROOT cannot read entry " + std::to_string(entry) + " of branch '" + branch.GetName() +
                               "'");
}

std::unique_ptr<TreeColumn> MakeTreeColumn(const TableColumn &column, TLeaf &leaf, BranchBuffers &buffers)
{
   TBranch &branch = *leaf.GetBranch();
   if (branch.IsA() != TBranch::Class())
      return MakeObjectColumn(column, branch);
   if (column.fType == ColumnType::kString)
      return std::make_unique<CStringColumn>(leaf, buffers);
   return VisitMemoryType(column.fType, [&](auto tag) -> std::unique_ptr<TreeColumn> {
      using T = typename decltype(tag)::Type;
      if constexpr (!std::is_same_v<T, std::string>) {
         if (leaf.GetLeafCount() == nullptr && branch.GetBulkRead().SupportsBulkRead())
            return std::make_unique<BasketColumn<T>>(column, leaf, buffers);
         return std::make_unique<LeafColumn<T>>(column, leaf, buffers);
      }
      return nullptr;
   });
}

} // namespace aeplugin::rdf
