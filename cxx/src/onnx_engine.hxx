#ifndef AEPLUGIN_ONNX_ENGINE_HXX
#define AEPLUGIN_ONNX_ENGINE_HXX

#include <aeplugin/engine.hxx>

namespace aeplugin {

/// A network in ONNX Runtime with one thread per call; `inputs` and `outputs` are what the model expects of it.
std::shared_ptr<const Engine> OpenOnnxEngine(const std::string &path, std::size_t inputs, std::size_t outputs);

} // namespace aeplugin

#endif
