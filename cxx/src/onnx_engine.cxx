#include "onnx_engine.hxx"

#include "exported_engine.hxx"
#include "onnx_api.hxx"
#include "shared_library.hxx"

#include <aeplugin/error.hxx>

#include <cstdlib>
#include <utility>

namespace aeplugin {
namespace {

/// ONNX Runtime, loaded once per process and never unloaded (its threads outlive static destruction).
class Runtime {
public:
   static const Runtime &Get()
   {
      static const Runtime *kRuntime = new Runtime;
      return *kRuntime;
   }

   template <typename Signature>
   Signature *At(ort::Entry entry) const
   {
      return reinterpret_cast<Signature *>(fTable[static_cast<std::size_t>(entry)]);
   }

   /// Turns a status into a ModelError that begins with `what`.
   void Check(ort::Status *status, const std::string &what) const
   {
      if (!status)
         return;
      const std::string message = At<const char *(const ort::Status *)>(ort::Entry::kGetErrorMessage)(status);
      At<void(ort::Status *)>(ort::Entry::kReleaseStatus)(status);
      throw ModelError(what + " (ONNX Runtime: " + message + ")");
   }

   ort::Env *Environment() const { return fEnvironment; }
   ort::MemoryInfo *CpuMemory() const { return fCpuMemory; }

private:
   Runtime()
   {
      // The library reports home by default; the variable must be there before it is loaded.
      ::setenv("ORT_DISABLE_TELEMETRY", "1", 1);
      const SharedLibrary library("AEPLUGIN_ONNXRUNTIME",
                                  {"libonnxruntime.so.1", "libonnxruntime.so", "libonnxruntime.dylib"},
                                  "install ONNX Runtime (`pip install onnxruntime`)");
      const auto *base = library.Get<const ort::ApiBase *(*)()>("OrtGetApiBase")();
      fTable = base->fGetApi(ort::kApiVersion);
      if (!fTable)
         throw CompatibilityError(std::string("ONNX Runtime ") + base->fGetVersionString() +
                                  " does not offer its interface of version 1");
      Check(At<ort::Status *(int, const char *, ort::Env **)>(ort::Entry::kCreateEnv)(ort::kLogError, "aeplugin",
                                                                                      &fEnvironment),
            "ONNX Runtime does not start");
      Check(At<ort::Status *(const ort::Env *)>(ort::Entry::kDisableTelemetryEvents)(fEnvironment),
            "ONNX Runtime does not start");
      Check(At<ort::Status *(int, int, ort::MemoryInfo **)>(ort::Entry::kCreateCpuMemoryInfo)(
               ort::kArenaAllocator, ort::kDefaultMemory, &fCpuMemory),
            "ONNX Runtime does not start");
   }

   const ort::Function *fTable = nullptr;
   ort::Env *fEnvironment = nullptr;
   ort::MemoryInfo *fCpuMemory = nullptr;
};

/// A handle of ONNX Runtime that is released at the end of its scope.
template <typename T, ort::Entry Release>
class Handle {
public:
   Handle() = default;
   ~Handle()
   {
      if (fHandle)
         Runtime::Get().At<void(T *)>(Release)(fHandle);
   }
   Handle(const Handle &) = delete;
   Handle &operator=(const Handle &) = delete;
   T **Out() { return &fHandle; }
   T *Get() const { return fHandle; }

private:
   T *fHandle = nullptr;
};

class OnnxEngine final : public ExportedEngine {
public:
   OnnxEngine(std::string path, std::size_t inputs, std::size_t outputs)
      : ExportedEngine(std::move(path), inputs, outputs), fRuntime(Runtime::Get())
   {
      Handle<ort::SessionOptions, ort::Entry::kReleaseSessionOptions> options;
      fRuntime.Check(
         fRuntime.At<ort::Status *(ort::SessionOptions **)>(ort::Entry::kCreateSessionOptions)(options.Out()), fPath);
      // The event loop has its own threads; more inside every call would oversubscribe the cores.
      fRuntime.Check(
         fRuntime.At<ort::Status *(ort::SessionOptions *, int)>(ort::Entry::kSetIntraOpNumThreads)(options.Get(), 1),
         fPath);
      fRuntime.Check(fRuntime.At<ort::Status *(ort::SessionOptions *, int)>(
                        ort::Entry::kSetSessionGraphOptimizationLevel)(options.Get(), ort::kAllOptimisations),
                     fPath);
      using CreateSession = ort::Status *(const ort::Env *, const char *, const ort::SessionOptions *, ort::Session **);
      fRuntime.Check(fRuntime.At<CreateSession>(ort::Entry::kCreateSession)(fRuntime.Environment(), fPath.c_str(),
                                                                            options.Get(), fSession.Out()),
                     fPath + ": not a network that can be run");
      fInputName = OnlyName(ort::Entry::kSessionGetInputCount, ort::Entry::kSessionGetInputName, "input");
      fOutputName = OnlyName(ort::Entry::kSessionGetOutputCount, ort::Entry::kSessionGetOutputName, "output");
   }

   void Run(const float *in, std::size_t n, float *out) const override
   {
      if (n == 0)
         return;
      TensorHandle input;
      TensorHandle output;
      MakeTensor(const_cast<float *>(in), n, fInputs, input);
      MakeTensor(out, n, fOutputs, output);
      const char *inputName = fInputName.c_str();
      const char *outputName = fOutputName.c_str();
      const ort::Value *inputValue = input.Get();
      ort::Value *outputValue = output.Get();
      using RunSession =
         ort::Status *(ort::Session *, const ort::RunOptions *, const char *const *, const ort::Value *const *,
                       std::size_t, const char *const *, std::size_t, ort::Value **);
      fRuntime.Check(fRuntime.At<RunSession>(ort::Entry::kRun)(fSession.Get(), nullptr, &inputName, &inputValue, 1,
                                                               &outputName, 1, &outputValue),
                     CannotRun());
   }

private:
   using TensorHandle = Handle<ort::Value, ort::Entry::kReleaseValue>;

   void MakeTensor(float *data, std::size_t n, std::size_t width, TensorHandle &tensor) const
   {
      const std::int64_t shape[] = {static_cast<std::int64_t>(n), static_cast<std::int64_t>(width)};
      using CreateTensor = ort::Status *(const ort::MemoryInfo *, void *, std::size_t, const std::int64_t *,
                                         std::size_t, int, ort::Value **);
      fRuntime.Check(fRuntime.At<CreateTensor>(ort::Entry::kCreateTensorWithDataAsOrtValue)(
                        fRuntime.CpuMemory(), data, n * width * sizeof(float), shape, 2, ort::kFloat, tensor.Out()),
                     fPath);
   }

   std::string OnlyName(ort::Entry count, ort::Entry name, const std::string &what) const
   {
      std::size_t number = 0;
      fRuntime.Check(fRuntime.At<ort::Status *(const ort::Session *, std::size_t *)>(count)(fSession.Get(), &number),
                     fPath);
      if (number != 1)
         throw ModelError(fPath + ": has " + std::to_string(number) + " " + what +
                          "s; expected one, as `aeplugin export` writes");
      ort::Allocator *allocator = nullptr;
      fRuntime.Check(
         fRuntime.At<ort::Status *(ort::Allocator **)>(ort::Entry::kGetAllocatorWithDefaultOptions)(&allocator), fPath);
      char *text = nullptr;
      fRuntime.Check(fRuntime.At<ort::Status *(const ort::Session *, std::size_t, ort::Allocator *, char **)>(name)(
                        fSession.Get(), 0, allocator, &text),
                     fPath);
      const std::string result = text;
      fRuntime.Check(fRuntime.At<ort::Status *(ort::Allocator *, void *)>(ort::Entry::kAllocatorFree)(allocator, text),
                     fPath);
      return result;
   }

   const Runtime &fRuntime;
   Handle<ort::Session, ort::Entry::kReleaseSession> fSession;
   std::string fInputName;
   std::string fOutputName;
};

} // namespace

std::shared_ptr<const Engine> OpenOnnxEngine(const std::string &path, std::size_t inputs, std::size_t outputs)
{
   return std::make_shared<OnnxEngine>(path, inputs, outputs);
}

} // namespace aeplugin
