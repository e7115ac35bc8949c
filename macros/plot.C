// Draws how far a model moves pt, eta and phi of the jets, with the Define functors in an RDataFrame:
//
//   eval "$(aeplugin config --setup)"
//   root -l -b -q 'plot.C("events.root", "jets.model", "residuals.pdf")'
#include <aeplugin/rdf/functors.hxx>

#include <ROOT/RDataFrame.hxx>
#include <TCanvas.h>

R__LOAD_LIBRARY(libaeplugin_root)

void plot(const char *input, const char *model, const char *output, const char *tree = "events")
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
      auto pt = events.Histo1D({"pt", ";(reconstructed - original) / original p_{T};jets", 100, -0.05, 0.05},
                               "pt_relative_residual");
      auto eta = events.Histo1D({"eta", ";reconstructed - original #eta;jets", 100, -0.05, 0.05}, "eta_residual");
      auto phi = events.Histo1D({"phi", ";reconstructed - original #phi [rad];jets", 100, -0.05, 0.05}, "phi_residual");

      TCanvas canvas("residuals", "", 1500, 500);
      canvas.Divide(3, 1);
      canvas.cd(1);
      pt->Draw();
      canvas.cd(2);
      eta->Draw();
      canvas.cd(3);
      phi->Draw();
      canvas.SaveAs(output);
   } catch (const aeplugin::Error &error) {
      std::cerr << "error: " << error.what() << std::endl;
      gSystem->Exit(1);
   }
}
