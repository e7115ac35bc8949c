#ifndef AEPLUGIN_ROOT_TTREE_COLUMNS_HXX
#define AEPLUGIN_ROOT_TTREE_COLUMNS_HXX

#include <aeplugin/table.hxx>

#include <TBranch.h>
#include <TLeaf.h>

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

namespace aeplugin::rdf {

/// The memory into which ROOT reads branches of plain leaves. Each branch gets it once: several columns may share a
/// branch, and ROOT does not read a counter again for which it has the entry already.
class BranchBuffers {
public:
   /// The memory of a leaf, of its branch's and its counter's branch.
   const char *Of(TLeaf &leaf);

private:
   char *OfBranch(TBranch &branch);

   std::map<TBranch *, std::vector<char>> fBuffers;
};

/// How the values of a branch or leaf get into a block.
class TreeColumn {
public:
   virtual ~TreeColumn() = default;
   /// \throws std::runtime_error where ROOT cannot read an entry
   virtual void Read(Long64_t first, std::size_t n, ColumnBlock &block) = 0;
};

/// The column for a leaf of a plain branch, or for a branch with an object.
std::unique_ptr<TreeColumn> MakeTreeColumn(const TableColumn &column, TLeaf &leaf, BranchBuffers &buffers);

/// Reads one entry of a branch.
/// \param mayBeEmpty whether an entry without a single byte is no error
/// \throws std::runtime_error
void ReadEntry(TBranch &branch, Long64_t entry, bool mayBeEmpty = false);

/// The column for a branch with an object: a vector, a string, or a member of a class.
std::unique_ptr<TreeColumn> MakeObjectColumn(const TableColumn &column, TBranch &branch);

} // namespace aeplugin::rdf

#endif
