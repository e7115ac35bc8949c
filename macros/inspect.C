// Tells what a compressed file says about itself:
//
//   eval "$(aeplugin config --setup)"
//   root -l -b -q 'inspect.C("compressed.root")'
#include <aeplugin/model.hxx>
#include <aeplugin/rdf/metadata.hxx>

R__LOAD_LIBRARY(libaeplugin_root)

void inspect(const char *input)
{
   try {
      const auto metadata = aeplugin::rdf::ReadMetadata(input);
      std::cout << "made from:  " << metadata.fInputName << ", " << metadata.fInputBytes << " bytes, MD5 "
                << metadata.fInputMd5 << "\nmade by:    aeplugin " << metadata.fAepluginVersion << ", ROOT "
                << metadata.fRootVersion << "\ntable:      " << metadata.fTable
                << "\nmodel:      " << metadata.fModel.size() << " bytes\n";
      const std::string bytes(metadata.fModel.begin(), metadata.fModel.end());
      for (const auto &collection : aeplugin::Model::FromBytes(bytes, input).fCollections) {
         std::cout << "collection: " << collection.fName << ", " << collection.fColumns.size() << " columns -> "
                   << collection.Latents() << " latents\n";
         for (const auto &column : collection.fColumns)
            std::cout << "            " << column.fColumn << "\n";
      }
      std::cout << "\nrecipe:\n" << metadata.fRecipe << std::flush;
   } catch (const aeplugin::Error &error) {
      std::cerr << "error: " << error.what() << std::endl;
      gSystem->Exit(1);
   }
}
