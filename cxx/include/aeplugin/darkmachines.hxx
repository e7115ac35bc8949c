#ifndef AEPLUGIN_DARKMACHINES_HXX
#define AEPLUGIN_DARKMACHINES_HXX

#include <aeplugin/error.hxx>
#include <aeplugin/event_block.hxx>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// Reader of the Dark Machines event format (arXiv:2105.14027), one event per line:
///
///     event ID; process ID; event weight; MET; METphi; obj,E,pt,eta,phi; obj,E,pt,eta,phi; ...
///
/// with the objects j, b, e-, e+, m-, m+ and g, energies in MeV, plain or gzip.
namespace aeplugin::darkmachines {

/// How the objects of an event become collections.
enum class Layout {
   kNanoAOD, ///< Jet (j and b in file order, with Jet_btag), Electron and Muon (with charge), Photon
   kObjects  ///< one collection Object in file order, with Object_kind (see ObjectKinds())
};

/// The object names of the format in the order of the codes in Object_kind: j, b, e-, e+, m-, m+, g.
const std::vector<std::string> &ObjectKinds();

/// The columns that a layout gives: event (ULong64), process (string), weight (double), MET_pt, MET_phi (float), then
/// E, pt, eta, phi (float) of every collection with its btag (bool), charge or kind (int32).
Schema MakeSchema(Layout layout);

/// A block of that schema without events, as of a file with only skipped lines.
EventBlock MakeEmptyBlock(Layout layout);

struct ReaderOptions {
   Layout fLayout = Layout::kNanoAOD;
   unsigned fThreads = 0;                          ///< parsing threads; 0: one per core
   std::size_t fBlockBytes = std::size_t{4} << 20; ///< text parsed into one block; 64 bytes to 256 MiB
   bool fSkipBadLines = false;                     ///< count malformed lines instead of stopping at the first
};

/// Malformed lines that were skipped.
struct BadLines {
   std::uint64_t fCount = 0;
   std::vector<std::string> fFirst; ///< messages of the first ten: file, line number and what is wrong
};

/// Streams a file block by block, in file order, parsing several blocks at once. Memory stays bounded by a few blocks
/// per thread however long the input is; the input may be a pipe.
class Reader {
public:
   /// \throws InputError for a missing, unreadable or empty file, a directory, and a file that is not text
   explicit Reader(const std::string &path, const ReaderOptions &options = {});
   ~Reader();
   Reader(const Reader &) = delete;
   Reader &operator=(const Reader &) = delete;

   const Schema &GetSchema() const;

   /// Moves the next block into `block`; false at the end of the file.
   /// \throws InputError naming file, line and defect at the first malformed line, unless lines are skipped
   bool Next(EventBlock &block);

   const BadLines &GetBadLines() const;
   std::uint64_t GetBytesRead() const; ///< bytes of the file consumed so far (compressed bytes for gzip)
   std::uint64_t GetFileSize() const;  ///< 0 where it is unknown (a pipe)

private:
   class Pipeline;
   std::unique_ptr<Pipeline> fPipeline;
};

} // namespace aeplugin::darkmachines

#endif
