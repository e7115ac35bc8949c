#ifndef AEPLUGIN_ONNX_API_HXX
#define AEPLUGIN_ONNX_API_HXX

#include <cstddef>
#include <cstdint>

/// The part of ONNX Runtime's C interface that the engine needs. Its table of functions only ever grows at the end, so
/// positions are stable; the library ships in the Python wheel without headers, and this declaration replaces them.
namespace aeplugin::ort {

struct Status;
struct Env;
struct SessionOptions;
struct Session;
struct RunOptions;
struct Value;
struct MemoryInfo;
struct Allocator;
struct TypeInfo;

/// Version of the table that is asked for: everything used here was there from the first.
constexpr std::uint32_t kApiVersion = 1;
constexpr int kLogError = 3;
constexpr int kFloat = 1;          ///< ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
constexpr int kArenaAllocator = 1; ///< OrtArenaAllocator
constexpr int kDefaultMemory = 0;  ///< OrtMemTypeDefault
constexpr int kAllOptimisations = 99;

/// Positions in the table of functions.
enum class Entry : std::size_t {
   kGetErrorMessage = 2,
   kCreateEnv = 3,
   kDisableTelemetryEvents = 6,
   kCreateSession = 7,
   kRun = 9,
   kCreateSessionOptions = 10,
   kSetSessionGraphOptimizationLevel = 23,
   kSetIntraOpNumThreads = 24,
   kSessionGetInputCount = 30,
   kSessionGetOutputCount = 31,
   kSessionGetInputName = 36,
   kSessionGetOutputName = 37,
   kCreateTensorWithDataAsOrtValue = 49,
   kCreateCpuMemoryInfo = 69,
   kAllocatorFree = 76,
   kGetAllocatorWithDefaultOptions = 78,
   kReleaseEnv = 92,
   kReleaseStatus = 93,
   kReleaseMemoryInfo = 94,
   kReleaseSession = 95,
   kReleaseValue = 96,
   kReleaseSessionOptions = 100,
};

using Function = void (*)();

struct ApiBase {
   const Function *(*fGetApi)(std::uint32_t version);
   const char *(*fGetVersionString)();
};

} // namespace aeplugin::ort

#endif
