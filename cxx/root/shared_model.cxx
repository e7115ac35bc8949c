#include <aeplugin/error.hxx>
#include <aeplugin/nearest.hxx>
#include <aeplugin/rdf/shared_model.hxx>

#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace aeplugin::rdf {
namespace {

/// The models of the process, which stay where they are.
struct SharedModels {
   std::mutex fMutex;
   std::map<std::string, std::unique_ptr<const SharedModel>> fModels;

   static SharedModels &All()
   {
      static auto *all = new SharedModels; // no destructor: event loops may run until the very end
      return *all;
   }
};

} // namespace

SharedModel::SharedModel(const Autoencoder &autoencoder)
   : fEncode({autoencoder.fEncoder}, autoencoder.fModel.fColumns.size()),
     fDecode({autoencoder.fDecoder}, autoencoder.fDecoder->Inputs()),
     fReconstruct({autoencoder.fEncoder, autoencoder.fDecoder}, autoencoder.fModel.fColumns.size()),
     fScores(autoencoder, autoencoder.fModel.fColumns.size())
{
}

void ShareModel(const std::string &name, const std::string &model, const std::string &collection)
{
   SharedModels &all = SharedModels::All();
   const std::lock_guard lock(all.fMutex);
   if (all.fModels.count(name) > 0)
      return;
   const Autoencoder autoencoder = MakeAutoencoder(Model::FromBytes(model, name).Collection(collection));
   all.fModels.emplace(name, std::make_unique<SharedModel>(autoencoder));
}

const SharedModel &Shared(const std::string &name)
{
   SharedModels &all = SharedModels::All();
   const std::lock_guard lock(all.fMutex);
   const auto found = all.fModels.find(name);
   if (found != all.fModels.end())
      return *found->second;
   std::vector<std::string> names;
   for (const auto &model : all.fModels)
      names.push_back(model.first);
   throw ModelError("this process has no model called '" + name + "'" + Nearest(name, names) +
                    "; ShareModel makes one known");
}

float EventScore(const ROOT::VecOps::RVec<float> &scores)
{
   const std::uint64_t offsets[] = {0, scores.size()};
   float score = 0;
   EventScores(scores.data(), offsets, 1, &score);
   return score;
}

} // namespace aeplugin::rdf
