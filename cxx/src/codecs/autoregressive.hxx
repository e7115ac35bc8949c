#ifndef AEPLUGIN_CODEC_AUTOREGRESSIVE_HXX
#define AEPLUGIN_CODEC_AUTOREGRESSIVE_HXX

#include "../density/row_visitors.hxx"
#include "../pool.hxx"
#include "codec.hxx"

#include <aeplugin/layout.hxx>
#include <aeplugin/model.hxx>

#include <cstddef>
#include <string>
#include <vector>

namespace aeplugin::codecs {

/// Codes all groups of CodecKind::kAutoregressive together, by the density of a model. Safe to use from several
/// threads.
class AutoregressiveCodec {
public:
   /// Of each group of a layout, in its order: streams are those of the counts, where there are any, and of the
   /// columns.
   template <typename T>
   using PerGroup = std::vector<std::vector<T>>;

   /// \throws ModelError where the model has no density, or one of other columns or tolerances than the groups
   AutoregressiveCodec(const Layout &layout, const Model &model, const std::string &instructionSet = "");

   PerGroup<PackedStream> Encode(std::size_t events, const std::vector<GroupIntegers> &groups) const;
   /// Which streams the columns that are wanted are decoded from.
   PerGroup<bool> NeededStreams(const PerGroup<bool> &wanted) const;
   /// Takes the streams of its groups out of `streams`.
   /// \throws CorruptionError for streams that no encoder writes
   std::vector<GroupIntegers> Decode(std::size_t events, PerGroup<PackedStream> &streams,
                                     const PerGroup<bool> &wanted) const;

private:
   /// Where a variable of the density is in the groups.
   struct Place {
      std::size_t fGroup;
      std::size_t fColumn; ///< kCounts for the number of objects
   };
   static constexpr std::size_t kCounts = SIZE_MAX;

   Place FindPlace(const Layout &layout, const DensityVariable &variable) const;
   std::size_t StreamOf(const Place &place) const;
   /// For each variable whether it is decoded for columns that are wanted.
   std::vector<bool> Visited(const PerGroup<bool> &wanted) const;
   template <typename Groups>
   static auto &IntegersAt(Groups &groups, const Place &place);

   density::PreparedDensity fDensity;
   density::Networks fNetworks;
   std::vector<bool> fSingle;         ///< per group of the layout
   std::vector<std::size_t> fColumns; ///< numbers of columns, likewise
   std::vector<Place> fPlaces;        ///< per variable
   mutable Pool<density::RowEncoder> fEncoders;
};

} // namespace aeplugin::codecs

#endif
