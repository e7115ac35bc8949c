// Compresses a ROOT file by the rules of a model file, every value within its tolerance:
//
//   eval "$(aeplugin config --setup)"
//   aeplugin recipe compile recipe.yaml events.root -o jets.model   # or: aeplugin train
//   root -l -b -q 'compress.C("events.root", "compressed.root", "jets.model")'
#include <aeplugin/rdf/files.hxx>

R__LOAD_LIBRARY(libaeplugin_root)

void compress(const char *input, const char *output, const char *model, const char *tree = "")
{
   try {
      aeplugin::rdf::CompressOptions options;
      options.fTree = tree;
      const auto events = aeplugin::rdf::Compress(input, output, aeplugin::Model::FromFile(model), options);
      std::cout << output << ": " << events << " events" << std::endl;
   } catch (const aeplugin::Error &error) {
      std::cerr << "error: " << error.what() << std::endl;
      gSystem->Exit(1);
   }
}
