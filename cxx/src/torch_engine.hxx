#ifndef AEPLUGIN_TORCH_ENGINE_HXX
#define AEPLUGIN_TORCH_ENGINE_HXX

#include <aeplugin/engine.hxx>

namespace aeplugin {

/// A TorchScript network in LibTorch, through libaeplugin_torch; `inputs` and `outputs` are what the model expects.
std::shared_ptr<const Engine> OpenTorchEngine(const std::string &path, std::size_t inputs, std::size_t outputs);

} // namespace aeplugin

#endif
