// Draws the pt of the jets straight from a compressed file, which is decoded as it is read:
//
//   eval "$(aeplugin config --setup)"
//   root -l -b -q 'read.C("compressed.root", "jet_pt.pdf")'
#include <aeplugin/error.hxx>
#include <aeplugin/rdf/open.hxx>

#include <TCanvas.h>
#include <TH1.h>

R__LOAD_LIBRARY(libaeplugin_root)

void read(const char *compressed, const char *output, const char *column = "Jet_pt")
{
   try {
      ROOT::EnableImplicitMT();
      auto events = aeplugin::Open(compressed); // columns as in the original; only this one is decoded
      auto histogram = events.Histo1D({"histogram", "", 100, 0, 0}, column);
      std::cout << histogram->GetEntries() << " values of " << column << ", mean " << histogram->GetMean() << std::endl;

      TCanvas canvas("canvas", "", 800, 600);
      canvas.SetLogy();
      histogram->SetTitle(";;values");
      histogram->GetXaxis()->SetTitle(column);
      histogram->Draw();
      canvas.SaveAs(output);
   } catch (const aeplugin::Error &error) {
      std::cerr << "error: " << error.what() << std::endl;
      gSystem->Exit(1);
   }
}
