#ifndef AEPLUGIN_LATENT_STEPS_HXX
#define AEPLUGIN_LATENT_STEPS_HXX

#include "codec.hxx"

#include <aeplugin/engine.hxx>

namespace aeplugin::codecs {

struct LatentChoice {
   Group fGroup; ///< with the steps of the latents, and the packings
   double fBits; ///< about how many the sample takes
};

/// Finds the steps of the latents with the fewest bits for latents and differences together: coarse latents predict
/// badly, fine ones are dear themselves.
/// \throws ModelError where the network does not fit the group
LatentChoice ChooseLatentSteps(const CodecInput &input, const Autoencoder &autoencoder, const GroupGrids &grids);

} // namespace aeplugin::codecs

#endif
