#ifndef AEPLUGIN_ROOT_BLOCK_LOOP_HXX
#define AEPLUGIN_ROOT_BLOCK_LOOP_HXX

#include "compressed_reader.hxx"

#include <aeplugin/rdf/files.hxx>

#include <cstddef>
#include <functional>
#include <memory>

namespace aeplugin::rdf {

/// What is done with each block of a compressed file, all columns decoded.
struct BlockWork {
   /// In any order, in several threads at once; `thread` counts from 0. May be empty.
   std::function<void(unsigned thread, std::size_t number, const TableBlock &)> fParallel;
   /// Afterwards, one block at a time and in their order. May be empty.
   std::function<void(const TableBlock &)> fInOrder;
};

/// As many threads as a file can keep busy of those asked for.
unsigned ThreadsFor(const CompressedFile &file, unsigned asked);

/// Reads and decodes all blocks of a file.
/// \throws CorruptionError where the data are damaged, and what the work throws
void ForEachBlock(const std::shared_ptr<const CompressedFile> &file, unsigned threads, const Progress &progress,
                  const BlockWork &work);

} // namespace aeplugin::rdf

#endif
