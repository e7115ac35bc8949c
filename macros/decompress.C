// Gives back a plain ROOT file; needs nothing but the compressed one:
//
//   eval "$(aeplugin config --setup)"
//   root -l -b -q 'decompress.C("compressed.root", "decompressed.root")'
#include <aeplugin/rdf/files.hxx>

R__LOAD_LIBRARY(libaeplugin_root)

void decompress(const char *input, const char *output, bool ttree = false)
{
   try {
      aeplugin::rdf::DecompressOptions options;
      options.fFormat = ttree ? aeplugin::rdf::TableFormat::kTTree : aeplugin::rdf::TableFormat::kRNTuple;
      const auto events = aeplugin::rdf::Decompress(input, output, options);
      std::cout << output << ": " << events << " events" << std::endl;
   } catch (const aeplugin::Error &error) {
      std::cerr << "error: " << error.what() << std::endl;
      gSystem->Exit(1);
   }
}
