// libaeplugin_torch: the only translation unit that sees LibTorch. Its headers clash with ROOT's (ClassDef) and want
// a newer C++ standard, so the core talks to it through torch_bridge.h.
#include <aeplugin/torch_bridge.h>

#include <ATen/Parallel.h>
#include <torch/script.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

struct aeplugin_torch_network {
   torch::jit::script::Module fModule;
};

namespace {

/// The event loop has its own threads; more inside every call would oversubscribe the cores. LibTorch keeps the number
/// for each calling thread apart.
void UseOneThread()
{
   thread_local const bool kDone = (at::set_num_threads(1), true);
   static_cast<void>(kDone);
}

void Report(const std::exception &error, char *message, size_t size)
{
   const std::string text = error.what();
   const size_t length = std::min(size - 1, text.find('\n') == std::string::npos ? text.size() : text.find('\n'));
   std::memcpy(message, text.data(), length);
   message[length] = '\0';
}

} // namespace

aeplugin_torch_network *aeplugin_torch_open(const char *path, char *message, size_t size)
{
   try {
      auto module = torch::jit::load(path);
      module.eval();
      return new aeplugin_torch_network{std::move(module)};
   } catch (const std::exception &error) {
      Report(error, message, size);
      return nullptr;
   }
}

int aeplugin_torch_run(const aeplugin_torch_network *network, const float *in, size_t n, size_t inputs, float *out,
                       size_t outputs, char *message, size_t size)
{
   try {
      UseOneThread();
      const c10::InferenceMode guard;
      const auto rows = static_cast<int64_t>(n);
      const auto tensor = torch::from_blob(const_cast<float *>(in), {rows, static_cast<int64_t>(inputs)});
      auto module = network->fModule; // forward() is not const; a copy of the handle shares the weights
      const auto result = module.forward({tensor}).toTensor().contiguous();
      if (result.scalar_type() != torch::kFloat32 ||
          result.sizes() != torch::IntArrayRef({rows, static_cast<int64_t>(outputs)}))
         throw std::runtime_error("it gives another shape or type than the model says");
      std::memcpy(out, result.data_ptr<float>(), n * outputs * sizeof(float));
      return 0;
   } catch (const std::exception &error) {
      Report(error, message, size);
      return 1;
   }
}

void aeplugin_torch_close(aeplugin_torch_network *network)
{
   delete network;
}
