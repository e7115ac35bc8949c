// Compresses a ROOT file with a model:
//
//   eval "$(aeplugin config --setup)"
//   root -l -b -q 'compress.C("events.root", "compressed.root", "jets.model")'
#include <aeplugin/rdf/files.hxx>

R__LOAD_LIBRARY(libaeplugin_root)

void compress(const char *input, const char *output, const char *model, const char *tree = "")
{
   try {
      const auto entries = aeplugin::rdf::Compress(input, output, model, tree);
      std::cout << output << ": " << entries << " events" << std::endl;
   } catch (const aeplugin::Error &error) {
      std::cerr << "error: " << error.what() << std::endl;
      gSystem->Exit(1);
   }
}
