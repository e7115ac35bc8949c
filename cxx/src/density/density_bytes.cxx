#include "density_bytes.hxx"

#include "../model_limits.hxx"
#include "half.hxx"

#include <aeplugin/error.hxx>

namespace aeplugin {
namespace {

enum class Flag : std::uint8_t { kNo = 0, kYes = 1 };

/// How the numbers of a layer are stored.
enum class Precision : std::uint8_t { kFloat = 0, kHalf = 1 };

void WriteNumbers(ByteWriter &out, const std::vector<float> &values, Precision precision)
{
   if (precision == Precision::kFloat) {
      out.Floats(values);
      return;
   }
   for (const float value : values) {
      std::uint16_t half = 0;
      ToHalf(value, half);
      out.Value(half);
   }
}

std::vector<float> ReadNumbers(ByteReader &in, std::size_t count, Precision precision)
{
   if (precision == Precision::kFloat)
      return in.Floats(count, "weights");
   const char *bytes = in.Raw(count * sizeof(std::uint16_t), "weights");
   std::vector<float> values(count);
   for (std::size_t i = 0; i < count; ++i) {
      std::uint16_t half;
      std::memcpy(&half, bytes + i * sizeof half, sizeof half);
      values[i] = FromHalf(half);
   }
   return values;
}

void WriteNetwork(ByteWriter &out, const Network &network)
{
   out.Value(static_cast<std::uint32_t>(network.size()));
   for (const Layer &layer : network) {
      const bool isHalf = AreHalves(layer.fWeights) && AreHalves(layer.fBiases);
      const Precision precision = isHalf ? Precision::kHalf : Precision::kFloat;
      out.Value(layer.fInputs);
      out.Value(layer.fOutputs);
      out.Value(layer.fActivation);
      out.Value(precision);
      WriteNumbers(out, layer.fWeights, precision);
      WriteNumbers(out, layer.fBiases, precision);
   }
}

Network ReadNetwork(ByteReader &in, const std::string &where)
{
   Network network(ReadCount(in, kMaxLayers, "layers", where));
   for (Layer &layer : network) {
      layer.fInputs = ReadCount(in, kMaxWidth, "layer inputs", where);
      layer.fOutputs = ReadCount(in, kMaxWidth, "layer outputs", where);
      layer.fActivation = ReadEnum(in, Activation::kGelu, "activation", where);
      const auto precision = ReadEnum(in, Precision::kHalf, "precision", where);
      layer.fWeights = ReadNumbers(in, std::size_t{layer.fInputs} * layer.fOutputs, precision);
      layer.fBiases = ReadNumbers(in, layer.fOutputs, precision);
   }
   return network;
}

void WriteFeature(ByteWriter &out, const DensityFeature &feature)
{
   out.Value(feature.fSource);
   out.Value(feature.fView);
   out.Value(feature.fVariable);
   out.Value(feature.fBack);
   out.Value(feature.fCategory);
   out.Value(feature.fFactor);
   out.Value(feature.fOffset);
}

DensityFeature ReadFeature(ByteReader &in, const std::string &where)
{
   DensityFeature feature;
   feature.fSource = ReadEnum(in, Source::kPhase, "source of a feature", where);
   feature.fView = ReadEnum(in, View::kSeparation, "view of a feature", where);
   feature.fVariable = in.Value<std::uint32_t>("feature");
   feature.fBack = in.Value<std::uint32_t>("feature");
   feature.fCategory = in.Value<Grid>("feature");
   feature.fFactor = in.Value<float>("feature");
   feature.fOffset = in.Value<float>("feature");
   return feature;
}

void WriteVariable(ByteWriter &out, const DensityVariable &variable)
{
   out.Text(variable.fGroup);
   out.Text(variable.fVariable);
   out.Text(variable.fColumn);
   out.Value(variable.fTolerance.fKind);
   out.Value(variable.fTolerance.fValue);
   out.Value(static_cast<std::uint8_t>(variable.fIsDouble));
   out.Value(variable.fLocation);
   out.Text(variable.fFormula);
   out.Value(static_cast<std::uint8_t>(variable.fPeriodic));
   out.Value(variable.fFirst);
   out.Value(variable.fRange);
   out.Value(variable.fShift);
   out.Value(static_cast<std::uint8_t>(variable.fDescending));
   out.Value(variable.fWithin);
   out.Value(static_cast<std::uint32_t>(variable.fAtoms.size()));
   for (const Grid atom : variable.fAtoms)
      out.Value(atom);
   out.Value(variable.fMiddle);
   out.Value(variable.fSpread);
   out.Value(static_cast<std::uint32_t>(variable.fFeatures.size()));
   for (const DensityFeature &feature : variable.fFeatures)
      WriteFeature(out, feature);
   WriteNetwork(out, variable.fNetwork);
}

DensityVariable ReadVariable(ByteReader &in, const std::string &where)
{
   DensityVariable variable;
   variable.fGroup = in.Text("group name");
   variable.fVariable = in.Text("variable name");
   variable.fColumn = in.Text("column name");
   variable.fTolerance.fKind = ReadEnum(in, ToleranceKind::kRel, "tolerance", where);
   variable.fTolerance.fValue = in.Value<double>("tolerance");
   variable.fIsDouble = ReadEnum(in, Flag::kYes, "flag", where) == Flag::kYes;
   variable.fLocation = ReadEnum(in, Location::kPrevious, "location", where);
   variable.fFormula = in.Text("formula");
   variable.fPeriodic = ReadEnum(in, Flag::kYes, "flag", where) == Flag::kYes;
   variable.fFirst = in.Value<Grid>("range");
   variable.fRange = in.Value<std::uint32_t>("range");
   variable.fShift = in.Value<std::uint8_t>("range");
   variable.fDescending = ReadEnum(in, Flag::kYes, "flag", where) == Flag::kYes;
   variable.fWithin = in.Value<std::uint32_t>("range");
   variable.fAtoms.resize(ReadCount(in, kMaxAtoms, "atoms", where));
   for (Grid &atom : variable.fAtoms)
      atom = in.Value<Grid>("atoms");
   variable.fMiddle = in.Value<float>("middle");
   variable.fSpread = in.Value<float>("spread");
   const auto features = ReadCount(in, kMaxFeatures, "features", where);
   for (std::uint32_t i = 0; i < features; ++i)
      variable.fFeatures.push_back(ReadFeature(in, where));
   variable.fNetwork = ReadNetwork(in, where);
   return variable;
}

} // namespace

std::string DensityBytes(const Density &density)
{
   ByteWriter out;
   out.Value(static_cast<std::uint8_t>(density.fMissing ? 1 : 0));
   if (density.fMissing) {
      out.Value(density.fMissing->fPt);
      out.Value(density.fMissing->fPhi);
   }
   out.Value(static_cast<std::uint32_t>(density.fMomenta.size()));
   for (const DensityMomentum &momentum : density.fMomenta)
      for (const std::uint32_t index : {momentum.fPt, momentum.fPhi, momentum.fEta})
         out.Value(index);
   out.Value(static_cast<std::uint32_t>(density.fVariables.size()));
   for (const DensityVariable &variable : density.fVariables)
      WriteVariable(out, variable);
   return out.Take();
}

Density ReadDensity(ByteReader in, const std::string &where)
{
   Density density;
   if (ReadEnum(in, Flag::kYes, "flag", where) == Flag::kYes) {
      density.fMissing.emplace();
      density.fMissing->fPt = in.Value<std::uint32_t>("missing momentum");
      density.fMissing->fPhi = in.Value<std::uint32_t>("missing momentum");
   }
   density.fMomenta.resize(ReadCount(in, kMaxVariables, "momenta", where));
   for (DensityMomentum &momentum : density.fMomenta)
      for (std::uint32_t *index : {&momentum.fPt, &momentum.fPhi, &momentum.fEta})
         *index = in.Value<std::uint32_t>("momentum");
   const auto variables = ReadCount(in, kMaxVariables, "variables", where);
   for (std::uint32_t i = 0; i < variables; ++i)
      density.fVariables.push_back(ReadVariable(in, where));
   if (in.Left() != 0)
      throw CorruptionError(where + ": " + std::to_string(in.Left()) + " bytes too many in a density");
   return density;
}

} // namespace aeplugin
