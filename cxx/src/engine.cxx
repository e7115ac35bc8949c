#include "onnx_engine.hxx"
#include "torch_engine.hxx"

#include <aeplugin/engine.hxx>
#include <aeplugin/error.hxx>
#include <aeplugin/nearest.hxx>

#include <filesystem>
#include <functional>
#include <system_error>

namespace aeplugin {
namespace {

using Opener =
   std::function<std::shared_ptr<const Engine>(const std::string &path, std::size_t inputs, std::size_t outputs)>;

/// The network that `aeplugin export` wrote beside the model: jets.model -> jets.Jet.encoder.onnx.
std::string ExportedPath(const std::string &modelPath, const CollectionModel &model, const std::string &half,
                         const std::string &extension)
{
   const auto path = std::filesystem::path(modelPath).replace_extension("." + model.fName + "." + half + extension);
   std::error_code ignored;
   if (!std::filesystem::is_regular_file(path, ignored))
      throw ModelError(path.string() + ": no such network; write it with `aeplugin export " + modelPath + "`");
   return path.string();
}

/// Runs one object, so that a network of another shape is refused before an event loop depends on it.
std::shared_ptr<const Engine> Probed(std::shared_ptr<const Engine> engine)
{
   const std::vector<float> in(engine->Inputs(), 1.f);
   std::vector<float> out(engine->Outputs());
   engine->Run(in.data(), 1, out.data());
   return engine;
}

Autoencoder OpenExported(const std::string &modelPath, const CollectionModel &model, const std::string &extension,
                         const Opener &open)
{
   const std::size_t columns = model.fColumns.size();
   return {model, Probed(open(ExportedPath(modelPath, model, "encoder", extension), columns, model.Latents())),
           Probed(open(ExportedPath(modelPath, model, "decoder", extension), model.Latents(), columns))};
}

} // namespace

EngineKind ParseEngineKind(const std::string &name)
{
   if (name == "native")
      return EngineKind::kNative;
   if (name == "onnx")
      return EngineKind::kOnnx;
   if (name == "torch")
      return EngineKind::kTorch;
   throw ModelError("unknown engine '" + name + "'" + Nearest(name, {"native", "onnx", "torch"}));
}

Autoencoder OpenAutoencoder(const std::string &modelPath, const std::string &collection, EngineKind kind)
{
   const Model model = Model::FromFile(modelPath);
   const CollectionModel &chosen = model.Collection(collection);
   switch (kind) {
   case EngineKind::kOnnx:
      return OpenExported(modelPath, chosen, ".onnx", OpenOnnxEngine);
   case EngineKind::kTorch:
      return OpenExported(modelPath, chosen, ".pt", OpenTorchEngine);
   case EngineKind::kNative:
      break;
   }
   return MakeAutoencoder(chosen);
}

} // namespace aeplugin
