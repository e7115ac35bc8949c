#ifndef AEPLUGIN_SCORER_HXX
#define AEPLUGIN_SCORER_HXX

#include "native_engine.hxx"

#include <cstddef>
#include <memory>

namespace aeplugin {

/// How far objects are from what an autoencoder makes of them; see Autoencoder::ReconstructionErrors.
class Scorer {
public:
   Scorer(std::shared_ptr<const NativeEngine> encoder, std::shared_ptr<const NativeEngine> decoder);

   /// Safe to call from several threads.
   void Run(const float *in, std::size_t n, float *errors) const;

private:
   void RunBlock(const float *in, std::size_t rows, float *errors) const;

   std::shared_ptr<const NativeEngine> fEncoder;
   std::shared_ptr<const NativeEngine> fDecoder;
};

} // namespace aeplugin

#endif
