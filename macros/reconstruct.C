// Draws how far a model moves pt, eta and phi of the jets, with the Define functors in an RDataFrame:
//
//   eval "$(aeplugin config --setup)"
//   root -l -b -q 'reconstruct.C("events.root", "jets.model", "residuals.pdf")'
#include <aeplugin/rdf/functors.hxx>

#include <ROOT/RDataFrame.hxx>
#include <TCanvas.h>
#include <TH1.h>

R__LOAD_LIBRARY(libaeplugin_root)

void draw(TVirtualPad *pad, TH1 &histogram)
{
   pad->SetMargin(0.16, 0.04, 0.14, 0.06);
   pad->SetLogy();
   histogram.SetStats(false);
   histogram.SetLineWidth(2);
   histogram.GetXaxis()->SetNdivisions(505);
   for (auto *axis : {histogram.GetXaxis(), histogram.GetYaxis()}) {
      axis->SetTitleSize(0.05);
      axis->SetLabelSize(0.045);
   }
   histogram.GetYaxis()->SetTitleOffset(1.4);
   histogram.GetXaxis()->SetTitleOffset(1.2);
   histogram.DrawClone(); // the canvas outlives the event loop's histograms
}

void reconstruct(const char *input, const char *model, const char *output, const char *tree = "events")
{
   using ROOT::RVecF;
   try {
      ROOT::EnableImplicitMT();
      const auto jets = aeplugin::OpenAutoencoder(model);
      // The columns of the model: E, pt, eta, phi. The result is [column][jet].
      auto events = ROOT::RDataFrame(tree, input)
                       .Define("reco", aeplugin::rdf::Reconstruct<4>(jets), jets.fModel.ColumnNames())
                       .Define("pt_relative_residual", "reco[1] / Jet_pt - 1")
                       .Define("eta_residual", "reco[2] - Jet_eta")
                       .Define("phi_residual", "ROOT::VecOps::DeltaPhi(Jet_phi, reco[3])");
      auto pt = events.Histo1D({"pt", ";relative residual of p_{T};jets", 100, -0.05, 0.05}, "pt_relative_residual");
      auto eta = events.Histo1D({"eta", ";residual of #eta;jets", 100, -0.05, 0.05}, "eta_residual");
      auto phi = events.Histo1D({"phi", ";residual of #phi [rad];jets", 100, -0.05, 0.05}, "phi_residual");

      TCanvas canvas("residuals", "", 1800, 600);
      canvas.Divide(3, 1);
      draw(canvas.cd(1), *pt);
      draw(canvas.cd(2), *eta);
      draw(canvas.cd(3), *phi);
      canvas.SaveAs(output);
   } catch (const aeplugin::Error &error) {
      std::cerr << "error: " << error.what() << std::endl;
      gSystem->Exit(1);
   }
}
