// Tells what a compressed file says about itself (`aeplugin inspect` tells more):
//
//   eval "$(aeplugin config --setup)"
//   root -l -b -q 'inspect.C("compressed.root")'
#include <aeplugin/error.hxx>
#include <aeplugin/rdf/metadata.hxx>

R__LOAD_LIBRARY(libaeplugin_root)

void print_columns(const aeplugin::Metadata &part)
{
   for (std::size_t i = 0; i < part.fColumnNames.size(); ++i) {
      std::cout << "  " << part.fColumnNames[i] << " (" << part.fColumnTypes[i] << "): ";
      if (part.fColumnGroups[i] < 0) {
         std::cout << "exact\n";
         continue;
      }
      std::cout << part.fColumnTolerances[i] << " " << part.fColumnToleranceValues[i] << ", worst error "
                << part.fColumnMaxErrors[i] << "; " << part.fColumnValues[i] << " values, " << part.fColumnSpecial[i]
                << " special; codec " << part.fGroupCodecs[static_cast<std::size_t>(part.fColumnGroups[i])];
      if (!part.fColumnFormulas[i].empty())
         std::cout << ", predicted by " << part.fColumnFormulas[i];
      std::cout << "\n";
   }
}

void inspect(const char *input)
{
   try {
      const auto parts = aeplugin::rdf::ReadMetadata(input); // several in a merged file
      for (const auto &part : parts) {
         std::cout << part.fTable << ": " << part.fEvents << " events of " << part.fInputName << ", "
                   << part.fInputBytes << " bytes, MD5 " << part.fInputMd5 << "\nmade by aeplugin "
                   << part.fAepluginVersion << ", ROOT " << part.fRootVersion << "; format version "
                   << part.fFormatVersion << ", model of " << part.fModel.size() << " bytes\n";
         print_columns(part);
      }
      std::cout << "\nrecipe:\n" << parts.front().fRecipe << std::flush;
   } catch (const aeplugin::Error &error) {
      std::cerr << "error: " << error.what() << std::endl;
      gSystem->Exit(1);
   }
}
