// Gives back a plain ROOT file; needs nothing but the compressed one:
//
//   eval "$(aeplugin config --setup)"
//   root -l -b -q 'decompress.C("compressed.root", "decompressed.root")'
#include <aeplugin/rdf/files.hxx>

R__LOAD_LIBRARY(libaeplugin_root)

void decompress(const char *input, const char *output)
{
   try {
      const auto entries = aeplugin::rdf::Decompress(input, output);
      std::cout << output << ": " << entries << " events" << std::endl;
   } catch (const aeplugin::Error &error) {
      std::cerr << "error: " << error.what() << std::endl;
      gSystem->Exit(1);
   }
}
