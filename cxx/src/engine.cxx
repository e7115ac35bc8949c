#include "onnx_engine.hxx"
#include "torch_engine.hxx"

#include <aeplugin/engine.hxx>
#include <aeplugin/error.hxx>
#include <aeplugin/nearest.hxx>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <system_error>

namespace aeplugin {
namespace {

constexpr float kTurn = 6.283185307f; ///< 2 pi

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

/// Refuses a network that is not the model's own half, be it of another shape or exported before the last training:
/// on `n` objects it must give what the reference kernels give. `isAngle` says which outputs may differ by whole turns.
void CheckAgainst(const Engine &native, const Engine &exported, const std::vector<float> &in,
                  const std::vector<bool> &isAngle, const std::string &path)
{
   const std::size_t n = in.size() / native.Inputs();
   std::vector<float> expected(n * native.Outputs());
   std::vector<float> got(expected.size());
   native.Run(in.data(), n, expected.data());
   exported.Run(in.data(), n, got.data());
   for (std::size_t i = 0; i < got.size(); ++i) {
      const float difference = got[i] - expected[i];
      const float counted = isAngle[i % native.Outputs()] ? std::remainder(difference, kTurn) : difference;
      if (!(std::abs(counted) <= 1e-3f * std::max(1.f, std::abs(expected[i]))))
         throw ModelError(path + ": not the network of this model: it gives " + std::to_string(got[i]) +
                          " instead of " + std::to_string(expected[i]) + "; run `aeplugin export` again");
   }
}

/// Latents about the middle, which give typical objects, with labels that the networks know.
std::vector<float> Probe(const CollectionModel &model)
{
   std::vector<float> probe;
   std::size_t row = 0;
   for (const float value : {0.f, 0.5f, -0.5f}) {
      probe.insert(probe.end(), model.Latents(), value);
      if (model.HasLabel()) {
         const auto &labels = model.fColumns.back().fLabels;
         probe.push_back(static_cast<float>(labels[row++ % labels.size()]));
      }
   }
   return probe;
}

Autoencoder OpenExported(const std::string &modelPath, const CollectionModel &model, const std::string &extension,
                         const Opener &open)
{
   const std::size_t columns = model.fColumns.size();
   const std::size_t latents = model.LatentNames().size();
   const std::string encoderPath = ExportedPath(modelPath, model, "encoder", extension);
   const std::string decoderPath = ExportedPath(modelPath, model, "decoder", extension);
   const Autoencoder native = MakeAutoencoder(model);
   const Autoencoder exported{model, open(encoderPath, columns, latents), open(decoderPath, latents, columns),
                              native.fScorer};

   const std::vector<float> probe = Probe(model);
   std::vector<bool> isAngle;
   for (const ModelColumn &column : model.fColumns)
      isAngle.push_back(column.fTransform == Transform::kCircle);
   CheckAgainst(*native.fDecoder, *exported.fDecoder, probe, isAngle, decoderPath);
   std::vector<float> objects(probe.size() / latents * columns);
   native.fDecoder->Run(probe.data(), probe.size() / latents, objects.data());
   CheckAgainst(*native.fEncoder, *exported.fEncoder, objects, std::vector<bool>(latents, false), encoderPath);
   return exported;
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
