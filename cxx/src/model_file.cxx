#include "bytes.hxx"
#include "density/density_bytes.hxx"
#include "model_limits.hxx"

#include <aeplugin/atomic_file.hxx>
#include <aeplugin/model.hxx>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

// The model file, as docs/model-file.md specifies it.
namespace aeplugin {
namespace {

/// The first byte and the line ends make a text-mode transfer visible, as in PNG.
constexpr char kMagic[] = {'\x89', 'A', 'E', 'P', 'M', '\r', '\n', '\x1a'};
constexpr std::uint32_t kVersion = 4;
constexpr std::uint32_t kOldestVersion = 2;
constexpr std::uint32_t kMaxSections = 1024;
constexpr char kRecipe[] = "RCPE";
constexpr char kRules[] = "RULE";
constexpr char kTraining[] = "TRNG";
constexpr char kCollection[] = "COLL";
constexpr char kDensity[] = "DENS";

/// What stands between the sums of a layer and its activation.
enum class LayerNorm : std::uint8_t { kNone = 0, kLayer = 1 };

struct Kind {
   const char *fStart;
   std::size_t fSize;
   const char *fName;
};

/// What a file that is no model looks like, for the error message.
std::string Describe(const std::string &bytes)
{
   static const Kind kKinds[] = {
      {"root", 4,
       "it looks like a ROOT file; a compressed file carries its model inside, `aeplugin extract` writes it out"},
      {"\x80\x02", 2, "it looks like a Python pickle, which is never loaded because it could run code"},
      {"\x80\x03", 2, "it looks like a Python pickle, which is never loaded because it could run code"},
      {"\x80\x04", 2, "it looks like a Python pickle, which is never loaded because it could run code"},
      {"\x80\x05", 2, "it looks like a Python pickle, which is never loaded because it could run code"},
      {"PK\x03\x04", 4,
       "it looks like a zip archive, perhaps from torch.save, which is never loaded because it could run code"},
      {"\x89"
       "AEPM",
       5, "its line ends were changed; copy it in binary mode"},
   };
   for (const Kind &kind : kKinds)
      if (bytes.compare(0, kind.fSize, kind.fStart, kind.fSize) == 0)
         return kind.fName;
   return bytes.empty() ? "it is empty" : "its first bytes are not those of one";
}

void WriteNetwork(ByteWriter &out, const Network &network)
{
   out.Value(static_cast<std::uint32_t>(network.size()));
   for (const Layer &layer : network) {
      out.Value(layer.fInputs);
      out.Value(layer.fOutputs);
      out.Value(layer.fActivation);
      out.Floats(layer.fWeights);
      out.Floats(layer.fBiases);
      out.Value(layer.fGains.empty() ? LayerNorm::kNone : LayerNorm::kLayer);
      out.Floats(layer.fGains);
      out.Floats(layer.fShifts);
   }
}

void WriteColumn(ByteWriter &out, const ModelColumn &column)
{
   out.Text(column.fVariable);
   out.Text(column.fColumn);
   out.Value(column.fTransform);
   out.Value(column.fMean);
   out.Value(column.fScale);
   out.Value(column.fFactor);
   out.Value(column.fOffset);
   out.Value(static_cast<std::uint32_t>(column.fKnots.size()));
   out.Floats(column.fKnots);
   out.Floats(column.fKnotsTo);
   out.Value(static_cast<std::uint32_t>(column.fLabels.size()));
   for (const std::int32_t label : column.fLabels)
      out.Value(label);
}

std::string CollectionBytes(const CollectionModel &collection)
{
   ByteWriter out;
   out.Text(collection.fName);
   out.Value(static_cast<std::uint32_t>(collection.fColumns.size()));
   for (const ModelColumn &column : collection.fColumns)
      WriteColumn(out, column);
   out.Value(collection.fCondition);
   WriteNetwork(out, collection.fEncoder);
   WriteNetwork(out, collection.fDecoder);
   return out.Take();
}

std::string RulesBytes(const Rules &rules)
{
   ByteWriter out;
   out.Value(static_cast<std::uint32_t>(rules.fCollections.size()));
   for (const CollectionRule &collection : rules.fCollections) {
      out.Text(collection.fName);
      out.Value(collection.fCodec);
      out.Value(static_cast<std::uint32_t>(collection.fColumns.size()));
      for (const ColumnRule &column : collection.fColumns) {
         out.Text(column.fVariable);
         out.Text(column.fColumn);
         out.Value(column.fTolerance.fKind);
         out.Value(column.fTolerance.fValue);
         out.Value(static_cast<std::uint32_t>(column.fSentinels.size()));
         for (const double sentinel : column.fSentinels)
            out.Value(sentinel);
         out.Text(column.fFormula);
      }
   }
   out.Value(static_cast<std::uint32_t>(rules.fDropped.size()));
   for (const std::string &column : rules.fDropped)
      out.Text(column);
   return out.Take();
}

Network ReadNetwork(ByteReader &in, std::uint32_t version, const std::string &where)
{
   Network network(ReadCount(in, kMaxLayers, "layers", where));
   for (Layer &layer : network) {
      layer.fInputs = in.Value<std::uint32_t>("layer inputs");
      layer.fOutputs = in.Value<std::uint32_t>("layer outputs");
      layer.fActivation = ReadEnum(in, version < 3 ? Activation::kTanh : Activation::kGelu, "activation", where);
      layer.fWeights = in.Floats(std::size_t{layer.fInputs} * layer.fOutputs, "weights");
      layer.fBiases = in.Floats(layer.fOutputs, "biases");
      if (version >= 3 && ReadEnum(in, LayerNorm::kLayer, "layer norm", where) == LayerNorm::kLayer) {
         layer.fGains = in.Floats(layer.fOutputs, "gains");
         layer.fShifts = in.Floats(layer.fOutputs, "shifts");
      }
   }
   return network;
}

ModelColumn ReadColumn(ByteReader &in, std::uint32_t version, const std::string &where)
{
   ModelColumn column;
   column.fVariable = in.Text("variable name");
   column.fColumn = in.Text("column name");
   column.fTransform = ReadEnum(in, version < 3 ? Transform::kLog10 : Transform::kLabel, "transform", where);
   column.fMean = in.Value<float>("mean");
   column.fScale = in.Value<float>("scale");
   if (version < 3)
      return column;
   column.fFactor = in.Value<float>("factor");
   column.fOffset = in.Value<float>("offset");
   const auto knots = ReadCount(in, kMaxKnots, "knots", where);
   column.fKnots = in.Floats(knots, "knots");
   column.fKnotsTo = in.Floats(knots, "knots");
   column.fLabels.resize(ReadCount(in, kMaxLabels, "categories", where));
   for (std::int32_t &label : column.fLabels)
      label = in.Value<std::int32_t>("category");
   return column;
}

CollectionModel ReadCollection(ByteReader in, std::uint32_t version, const std::string &where)
{
   CollectionModel collection;
   collection.fName = in.Text("collection name");
   const auto columns = ReadCount(in, kMaxColumns, "columns", where);
   for (std::uint32_t i = 0; i < columns; ++i)
      collection.fColumns.push_back(ReadColumn(in, version, where));
   if (version >= 3)
      collection.fCondition = ReadEnum(in, Condition::kBoth, "condition", where);
   collection.fEncoder = ReadNetwork(in, version, where);
   collection.fDecoder = ReadNetwork(in, version, where);
   if (in.Left() != 0)
      throw CorruptionError(where + ": " + std::to_string(in.Left()) + " bytes too many in a collection");
   return collection;
}

CodecKind ReadCodec(ByteReader &in, std::uint32_t version, const std::string &where)
{
   const auto code = static_cast<CodecKind>(in.Value<std::uint8_t>("codec"));
   if (CodecName(code) == "unknown" || (version < 4 && code == CodecKind::kAutoregressive))
      throw CompatibilityError(where + ": unknown codec " + std::to_string(static_cast<unsigned>(code)) +
                               "; a newer aeplugin may read it");
   return code;
}

ColumnRule ReadColumnRule(ByteReader &in, const std::string &where)
{
   ColumnRule column;
   column.fVariable = in.Text("variable name");
   column.fColumn = in.Text("column name");
   column.fTolerance.fKind = ReadEnum(in, ToleranceKind::kRel, "tolerance", where);
   column.fTolerance.fValue = in.Value<double>("tolerance");
   column.fSentinels.resize(ReadCount(in, kMaxSentinels, "sentinels", where));
   for (double &sentinel : column.fSentinels)
      sentinel = in.Value<double>("sentinel");
   column.fFormula = in.Text("formula");
   return column;
}

Rules ReadRules(ByteReader in, std::uint32_t version, const std::string &where)
{
   Rules rules;
   const auto collections = ReadCount(in, kMaxRules, "collections", where);
   for (std::uint32_t i = 0; i < collections; ++i) {
      CollectionRule collection;
      collection.fName = in.Text("collection name");
      collection.fCodec = ReadCodec(in, version, where);
      const auto columns = ReadCount(in, kMaxRules, "columns", where);
      for (std::uint32_t k = 0; k < columns; ++k)
         collection.fColumns.push_back(ReadColumnRule(in, where));
      rules.fCollections.push_back(std::move(collection));
   }
   const auto dropped = ReadCount(in, kMaxRules, "columns", where);
   for (std::uint32_t i = 0; i < dropped; ++i)
      rules.fDropped.push_back(in.Text("column name"));
   if (in.Left() != 0)
      throw CorruptionError(where + ": " + std::to_string(in.Left()) + " bytes too many in the rules");
   return rules;
}

void WriteSection(ByteWriter &out, const char *tag, const std::string &payload)
{
   out.Raw(tag, 4);
   out.Value(Crc32(payload.data(), payload.size()));
   out.Value(static_cast<std::uint64_t>(payload.size()));
   out.Raw(payload.data(), payload.size());
}

/// The payload of the next section, which must be the one called `expected`: the order of sections is fixed.
std::string ReadSection(ByteReader &in, const char *expected, const std::string &where)
{
   const std::string tag(in.Raw(4, "section tag"), 4);
   const auto crc = in.Value<std::uint32_t>("section checksum");
   const auto size = in.Value<std::uint64_t>("section size");
   const char *payload = in.Raw(size, "a section");
   if (Crc32(payload, size) != crc)
      throw CorruptionError(where + ": the checksum of section '" + tag +
                            "' is wrong; the file is damaged, copy it again");
   if (tag != expected)
      throw CompatibilityError(where + ": section '" + tag + "' where '" + expected +
                               "' is expected; a newer aeplugin may read it");
   return std::string(payload, size);
}

} // namespace

std::string Model::ToBytes() const
{
   Validate();
   ByteWriter out;
   out.Raw(kMagic, sizeof kMagic);
   out.Value(kVersion);
   out.Value(static_cast<std::uint32_t>(3 + fCollections.size() + (fDensity ? 1 : 0)));
   WriteSection(out, kRecipe, fRecipe);
   WriteSection(out, kRules, RulesBytes(fRules));
   WriteSection(out, kTraining, fTraining);
   for (const CollectionModel &collection : fCollections)
      WriteSection(out, kCollection, CollectionBytes(collection));
   if (fDensity)
      WriteSection(out, kDensity, DensityBytes(*fDensity));
   return out.Take();
}

Model Model::FromBytes(const std::string &bytes, const std::string &where)
{
   if (bytes.compare(0, sizeof kMagic, kMagic, sizeof kMagic) != 0)
      throw ModelError(where + ": not an aeplugin model: " + Describe(bytes) + "; `aeplugin train` makes models");
   ByteReader in(bytes.data(), bytes.size(), where);
   in.Raw(sizeof kMagic, "the first bytes");
   const auto version = in.Value<std::uint32_t>("version");
   if (version < kOldestVersion || version > kVersion)
      throw CompatibilityError(where + ": model file of version " + std::to_string(version) +
                               "; this aeplugin reads versions " + std::to_string(kOldestVersion) + " to " +
                               std::to_string(kVersion) +
                               (version < kVersion ? "; train the model again" : "; a newer one may read it"));
   Model model;
   const auto sections = ReadCount(in, kMaxSections, "sections", where);
   if (sections < 3)
      throw CorruptionError(where + ": has " + std::to_string(sections) + " sections; expected at least 3");
   model.fRecipe = ReadSection(in, kRecipe, where);
   const std::string rules = ReadSection(in, kRules, where);
   model.fRules = ReadRules(ByteReader(rules.data(), rules.size(), where), version, where);
   model.fTraining = ReadSection(in, kTraining, where);
   for (std::uint32_t i = 3; i < sections; ++i) {
      const bool isLast = i + 1 == sections;
      const bool isDensity = version >= 4 && isLast && in.Left() >= 4 && std::string(in.Peek(), 4) == kDensity;
      const std::string payload = ReadSection(in, isDensity ? kDensity : kCollection, where);
      const ByteReader reader(payload.data(), payload.size(), where);
      if (isDensity)
         model.fDensity = ReadDensity(reader, where);
      else
         model.fCollections.push_back(ReadCollection(reader, version, where));
   }
   if (in.Left() != 0)
      throw CorruptionError(where + ": " + std::to_string(in.Left()) + " bytes after the last section");
   model.Validate(where);
   return model;
}

Model Model::FromFile(const std::string &path)
{
   std::error_code error;
   const auto status = std::filesystem::status(path, error);
   if (!std::filesystem::is_regular_file(status))
      throw InputError(path + ": " + (std::filesystem::exists(status) ? "is no file" : "no such file") +
                       "; expected a model made by `aeplugin train`");
   std::ifstream file(path, std::ios::binary);
   std::ostringstream bytes;
   if (file && file.peek() != std::ifstream::traits_type::eof()) // inserting nothing would count as a failure
      bytes << file.rdbuf();
   if (file.bad() || !file.is_open() || !bytes)
      throw InputError(path + ": cannot be read; is it yours to read?");
   return FromBytes(bytes.str(), path);
}

void Model::Save(const std::string &path) const
{
   WriteAtomically(path, ToBytes());
}

} // namespace aeplugin
