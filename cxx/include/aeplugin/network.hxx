#ifndef AEPLUGIN_NETWORK_HXX
#define AEPLUGIN_NETWORK_HXX

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace aeplugin {

enum class Activation : std::uint8_t {
   kLinear = 0,
   kTanh = 1,
   kRelu = 2,
   kLeakyRelu = 3, ///< slope 0.01 below 0
   kElu = 4,       ///< e^x - 1 below 0
   kSilu = 5,      ///< x / (1 + e^-x)
   kGelu = 6       ///< x / 2 (1 + erf(x / sqrt 2))
};

/// A dense layer: out = activation(y) with y = weights . in + biases. Where there are gains, with layer norm:
/// out = activation(gains (y - mean) / sqrt(variance + 1e-5) + shifts), mean and variance being those of the object's
/// y.
struct Layer {
   std::uint32_t fInputs = 0;
   std::uint32_t fOutputs = 0;
   Activation fActivation = Activation::kLinear;
   std::vector<float> fWeights; ///< outputs x inputs, row by row, as torch.nn.Linear keeps them
   std::vector<float> fBiases;  ///< outputs
   std::vector<float> fGains;   ///< outputs, or none
   std::vector<float> fShifts;
};

using Network = std::vector<Layer>;

/// \param inputs of the first layer
/// \throws ModelError where layers or weights do not fit together or a weight is not finite
void ValidateNetwork(const Network &network, std::size_t inputs, const std::string &where);

} // namespace aeplugin

#endif
