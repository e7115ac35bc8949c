#include "latent_steps.hxx"

#include "../bit_estimate.hxx"
#include "codec_kinds.hxx"
#include "packing.hxx"

#include <algorithm>
#include <cmath>

namespace aeplugin::codecs {
namespace {

constexpr std::size_t kMaxObjects = 20'000; ///< enough for a tenth of a per cent of the bits
constexpr int kCoarsest = 1;                ///< steps are tried from 2^1 of a latent's deviation
constexpr int kFinest = -12;

GroupGrids Head(const GroupGrids &grids)
{
   GroupGrids head;
   for (const auto &column : grids)
      head.emplace_back(column.begin(),
                        column.begin() + static_cast<std::ptrdiff_t>(std::min(column.size(), kMaxObjects)));
   return head;
}

float Deviation(const std::vector<float> &latent)
{
   double sum = 0;
   double squares = 0;
   for (const float value : latent)
      if (std::isfinite(value)) {
         sum += value;
         squares += double{value} * value;
      }
   const double n = std::max<double>(static_cast<double>(latent.size()), 1);
   const double variance = squares / n - sum * sum / (n * n);
   return variance > 0 ? static_cast<float>(std::sqrt(variance)) : 1.0F;
}

/// Tries steps on a sample.
class Trial {
public:
   Trial(const CodecInput &input, const Autoencoder &autoencoder, GroupGrids grids)
      : fInput(input), fAutoencoder(autoencoder), fGrids(std::move(grids)),
        fLatents(AutoencoderCodec(fInput, fAutoencoder).Latents(fGrids))
   {
   }

   const std::vector<std::vector<float>> &Latents() const { return fLatents; }

   /// Bits of latents and differences with some steps; leaves the packings in `group`.
   double Bits(const std::vector<float> &steps, Group &group)
   {
      group = fInput.fGroup;
      group.fLatents.clear();
      for (const float step : steps)
         group.fLatents.push_back({step, {}});
      CodecInput input = fInput;
      input.fGroup = group;
      const AutoencoderCodec codec(input, fAutoencoder);
      const auto latents = codec.Quantise(fLatents);
      double bits = 0;
      for (std::size_t k = 0; k < latents.size(); ++k) {
         bits += EstimateBits(latents[k]);
         group.fLatents[k].fPacking = ChoosePacking(latents[k], std::vector<Grid>(latents[k].size(), 0), 0);
      }
      const GroupGrids predicted = codec.Predict(latents, fGrids);
      for (std::size_t i = 0; i < fGrids.size(); ++i) {
         bits += EstimateBits(fGrids[i], predicted[i]);
         group.fColumns[i].fPacking = ChoosePacking(fGrids[i], predicted[i], group.fColumns[i].fSentinels.size());
      }
      return bits;
   }

private:
   const CodecInput &fInput;
   const Autoencoder &fAutoencoder;
   GroupGrids fGrids;
   std::vector<std::vector<float>> fLatents;
};

} // namespace

LatentChoice ChooseLatentSteps(const CodecInput &input, const Autoencoder &autoencoder, const GroupGrids &grids)
{
   Trial trial(input, autoencoder, Head(grids));
   std::vector<float> deviations;
   for (const auto &latent : trial.Latents())
      deviations.push_back(Deviation(latent));

   std::vector<float> best;
   LatentChoice choice{{}, HUGE_VAL};
   const auto tryOut = [&](const std::vector<float> &steps) {
      Group group;
      const double bits = trial.Bits(steps, group);
      if (bits < choice.fBits) {
         choice = {std::move(group), bits};
         best = steps;
      }
   };
   for (int power = kCoarsest; power >= kFinest; --power) {
      std::vector<float> steps = deviations;
      for (float &step : steps)
         step = std::ldexp(step, power);
      tryOut(steps);
   }
   for (std::size_t k = 0; k < best.size(); ++k)
      for (const float factor : {0.5F, 0.7F, 1.4F, 2.0F}) {
         std::vector<float> steps = best;
         steps[k] *= factor;
         tryOut(steps);
      }
   const double sampled = static_cast<double>(std::min(grids.front().size(), kMaxObjects));
   choice.fBits *= sampled > 0 ? static_cast<double>(grids.front().size()) / sampled : 1;
   return choice;
}

} // namespace aeplugin::codecs
