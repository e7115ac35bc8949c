#ifndef AEPLUGIN_EXPORTED_ENGINE_HXX
#define AEPLUGIN_EXPORTED_ENGINE_HXX

#include <aeplugin/engine.hxx>

#include <string>
#include <utility>

namespace aeplugin {

/// A network in a file of its own, run by somebody else's library.
class ExportedEngine : public Engine {
public:
   /// `inputs` and `outputs` are what the model expects of the network.
   ExportedEngine(std::string path, std::size_t inputs, std::size_t outputs)
      : fPath(std::move(path)), fInputs(inputs), fOutputs(outputs)
   {
   }

   std::size_t Inputs() const final { return fInputs; }
   std::size_t Outputs() const final { return fOutputs; }

protected:
   /// Begins the message of an error in Run().
   std::string CannotRun() const
   {
      return fPath + ": cannot run " + std::to_string(fInputs) + " -> " + std::to_string(fOutputs);
   }

   const std::string fPath;
   const std::size_t fInputs;
   const std::size_t fOutputs;
};

} // namespace aeplugin

#endif
