#ifndef AEPLUGIN_RDF_DEFINE_HXX
#define AEPLUGIN_RDF_DEFINE_HXX

#include <aeplugin/engine.hxx>

#include <ROOT/RDataFrame.hxx>

#include <string>

/// Whole steps for RDataFrame, for models with any number of columns. The columns may be vectors of numbers, or
/// single numbers where a file has one object per entry; what is defined has the same shape. ROOT compiles a small
/// expression for each step; the functors of functors.hxx need none.
namespace aeplugin::rdf {

/// Adds the latents of a collection: Jet_latent_0, Jet_latent_1 ...
/// \throws RecipeError naming a column of the model that the data lack
ROOT::RDF::RNode DefineLatents(ROOT::RDF::RNode node, const Autoencoder &autoencoder);

/// Adds the columns decoded from Jet_latent_0 ... under their own names with `suffix`.
ROOT::RDF::RNode DefineDecoded(ROOT::RDF::RNode node, const Autoencoder &autoencoder, const std::string &suffix = "");

/// Adds the columns encoded and decoded: Jet_E_reco ...
ROOT::RDF::RNode DefineReconstructed(ROOT::RDF::RNode node, const Autoencoder &autoencoder,
                                     const std::string &suffix = "_reco");

/// Adds the scores of a collection: Jet_score, one per object as Autoencoder::ReconstructionErrors gives it, and
/// Jet_event_score, one per event as EventScores gives it; both float.
ROOT::RDF::RNode DefineScores(ROOT::RDF::RNode node, const Autoencoder &autoencoder);

} // namespace aeplugin::rdf

#endif
