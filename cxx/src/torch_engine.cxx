#include "torch_engine.hxx"

#include "exported_engine.hxx"
#include "shared_library.hxx"

#include <aeplugin/error.hxx>
#include <aeplugin/torch_bridge.h>

#include <array>
#include <utility>
#include <vector>

namespace aeplugin {
namespace {

struct Bridge {
   decltype(&aeplugin_torch_open) fOpen;
   decltype(&aeplugin_torch_run) fRun;
   decltype(&aeplugin_torch_close) fClose;
};

const Bridge &GetBridge()
{
   static const Bridge kBridge = [] {
      const SharedLibrary library("AEPLUGIN_TORCH", {"libaeplugin_torch.so"},
                                  "build it with `aeplugin config --build torch`");
      return Bridge{library.Get<decltype(&aeplugin_torch_open)>("aeplugin_torch_open"),
                    library.Get<decltype(&aeplugin_torch_run)>("aeplugin_torch_run"),
                    library.Get<decltype(&aeplugin_torch_close)>("aeplugin_torch_close")};
   }();
   return kBridge;
}

class TorchEngine final : public ExportedEngine {
public:
   TorchEngine(std::string path, std::size_t inputs, std::size_t outputs)
      : ExportedEngine(std::move(path), inputs, outputs), fBridge(GetBridge()), fNetwork(nullptr, fBridge.fClose)
   {
      std::array<char, 1024> message{};
      fNetwork.reset(fBridge.fOpen(fPath.c_str(), message.data(), message.size()));
      if (!fNetwork)
         throw ModelError(fPath + ": not a TorchScript network (" + message.data() + ")");
   }

   void Run(const float *in, std::size_t n, float *out) const override
   {
      if (n == 0)
         return;
      std::array<char, 1024> message{};
      if (fBridge.fRun(fNetwork.get(), in, n, fInputs, out, fOutputs, message.data(), message.size()) != 0)
         throw ModelError(CannotRun() + " (" + message.data() + ")");
   }

private:
   const Bridge &fBridge;
   std::unique_ptr<aeplugin_torch_network, decltype(&aeplugin_torch_close)> fNetwork;
};

} // namespace

std::shared_ptr<const Engine> OpenTorchEngine(const std::string &path, std::size_t inputs, std::size_t outputs)
{
   return std::make_shared<TorchEngine>(path, inputs, outputs);
}

} // namespace aeplugin
