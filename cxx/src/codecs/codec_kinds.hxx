#ifndef AEPLUGIN_CODEC_KINDS_HXX
#define AEPLUGIN_CODEC_KINDS_HXX

#include "codec.hxx"
#include "predictor.hxx"

#include <aeplugin/engine.hxx>

#include <vector>

namespace aeplugin::codecs {

/// Grid integers as differences to a formula in other columns, or to a constant.
class PlainCodec final : public Codec {
public:
   explicit PlainCodec(CodecInput input);
   std::vector<StreamSpec> Streams(const std::vector<std::string> &columnNames) const override;
   std::vector<PackedStream> Encode(const GroupGrids &grids) const override;
   std::vector<bool> Needs(const std::vector<bool> &wanted) const override;
   void Decode(const std::vector<PackedStream> &streams, std::size_t objects, const std::vector<bool> &wanted,
               GroupGrids &grids) const override;

private:
   Predictor fPredictor;
};

/// Quantised latents of an autoencoder, and grid integers as differences to what they decode to. Columns of the group
/// that the network does not know are stored as in PlainCodec.
class AutoencoderCodec final : public Codec {
public:
   /// \throws ModelError where the network has a column that the group has not
   AutoencoderCodec(CodecInput input, const Autoencoder &autoencoder);
   std::vector<StreamSpec> Streams(const std::vector<std::string> &columnNames) const override;
   std::vector<PackedStream> Encode(const GroupGrids &grids) const override;
   std::vector<bool> Needs(const std::vector<bool> &wanted) const override;
   void Decode(const std::vector<PackedStream> &streams, std::size_t objects, const std::vector<bool> &wanted,
               GroupGrids &grids) const override;

   /// The latents of objects, before they are quantised: [latent][object].
   std::vector<std::vector<float>> Latents(const GroupGrids &grids) const;
   /// Integers for latents, with the steps of the group.
   std::vector<std::vector<Grid>> Quantise(const std::vector<std::vector<float>> &latents) const;
   /// The grid integers that are predicted for every column, from quantised latents and known columns.
   GroupGrids Predict(const std::vector<std::vector<Grid>> &latents, const GroupGrids &known) const;

private:
   std::size_t Columns() const { return fPredictor.GetGroup().fColumns.size(); }
   bool IsInNetwork(std::size_t column) const { return fNetworkColumn[column] != kNone; }
   /// Grid integers that quantised latents decode to: [column of the group][object]; nothing for columns that the
   /// network does not know.
   GroupGrids DecodeLatents(const std::vector<std::vector<Grid>> &latents, std::size_t objects) const;

   static constexpr std::size_t kNone = SIZE_MAX;

   Predictor fPredictor;
   Autoencoder fAutoencoder;
   std::vector<std::size_t> fNetworkColumn; ///< per column of the group: its position in the network, or kNone
};

} // namespace aeplugin::codecs

#endif
