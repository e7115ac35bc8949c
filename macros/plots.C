// Draws the residuals that `python -m aeplugin.plots` has saved, each on a page: with the tolerance as a band, and mean
// and RMS in a box. Needs nothing but ROOT.
//
//   root -l -b -q 'plots.C("plots/2026-01-31_darkmachines_plain_histograms.root", "residuals.pdf")'
#include <TBox.h>
#include <TCanvas.h>
#include <TFile.h>
#include <TH1.h>
#include <TKey.h>
#include <TObjString.h>
#include <TStyle.h>

#include <memory>
#include <string>

bool isResidual(const std::string &plot)
{
   const std::string end = "residual";
   return plot.size() > end.size() && plot.compare(plot.size() - end.size(), end.size(), end) == 0;
}

void draw(TH1 &histogram, double tolerance, const std::string &plot)
{
   histogram.SetTitle(plot.c_str());
   histogram.SetLineColor(kBlue + 1);
   histogram.SetLineWidth(2);
   histogram.SetFillColorAlpha(kAzure + 6, 0.4);
   histogram.GetYaxis()->SetTitle("Entries / bin");
   histogram.GetYaxis()->SetTitleOffset(1.7);
   histogram.SetMaximum(1.35 * histogram.GetMaximum());
   histogram.SetMinimum(0);
   histogram.DrawCopy("HIST"); // the canvas outlives the histogram
   if (tolerance > 0) {
      TBox band(-tolerance, 0, tolerance, histogram.GetMaximum() / 1.35 * 1.05);
      band.SetFillColorAlpha(kOrange, 0.25);
      band.DrawClone();
   }
}

void plots(const char *histograms, const char *output)
{
   std::unique_ptr<TFile> file(TFile::Open(histograms));
   if (!file || file->IsZombie()) {
      std::cerr << "error: " << histograms << ": cannot be opened; expected a file of `python -m aeplugin.plots`\n";
      gSystem->Exit(1);
      return;
   }
   gStyle->SetOptStat("mruo"); // mean, RMS, underflow, overflow
   TCanvas canvas("residuals", "", 800, 600);
   canvas.SetMargin(0.13, 0.04, 0.12, 0.08);
   int pages = 0;
   canvas.Print((std::string(output) + "[").c_str());
   for (auto *key : *file->GetListOfKeys()) {
      const std::string plot = key->GetName();
      auto *folder = file->GetDirectory(plot.c_str());
      if (!folder || !isResidual(plot))
         continue;
      for (const std::string kind : {"residual", "relative_residual"}) {
         std::unique_ptr<TH1> histogram(folder->Get<TH1>(kind.c_str()));
         if (!histogram || histogram->GetDimension() != 1)
            continue;
         std::unique_ptr<TObjString> tolerance(folder->Get<TObjString>((kind + "_tolerance").c_str()));
         histogram->SetDirectory(nullptr);
         draw(*histogram, tolerance ? tolerance->GetString().Atof() : 0, plot);
         canvas.Print(output);
         ++pages;
      }
   }
   canvas.Print((std::string(output) + "]").c_str());
   std::cout << pages << " residuals in " << output << "\n";
   if (pages == 0)
      gSystem->Exit(1);
}
