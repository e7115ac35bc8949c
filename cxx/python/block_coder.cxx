#include "arrays.hxx"
#include "module.hxx"

#include <aeplugin/block_coder.hxx>
#include <aeplugin/metadata.hxx>

namespace py = pybind11;
using namespace aeplugin;

namespace {

/// The metadata from the fields of an entry of the RNTuple "aeplugin", as uproot reads them.
/// \throws CorruptionError for one that is missing or of another type
Metadata ToMetadata(const py::dict &fields, const std::string &where)
{
   Metadata metadata;
   if (!fields.contains("format_version"))
      throw CorruptionError(where + ": its metadata have no 'format_version'");
   metadata.fFormatVersion = fields["format_version"].cast<std::uint32_t>();
   if (metadata.fFormatVersion == kFormatVersion)
      Metadata::ForEachField(metadata, [&](const char *name, auto &member) {
         using Member = std::decay_t<decltype(member)>;
         if (!fields.contains(name))
            throw CorruptionError(where + ": its metadata have no '" + name + "'");
         try {
            member = fields[name].template cast<Member>();
         } catch (const py::cast_error &) {
            throw CorruptionError(where + ": '" + std::string(name) + "' of its metadata is of another type");
         }
      });
   metadata.Check(where);
   return metadata;
}

/// Decodes the blocks of one part of a compressed file from what uproot reads of it.
class Decoder {
public:
   Decoder(const py::dict &fields, const Model *model, const std::string &where)
      : fCoder(BlockCoder::OfPart(ToMetadata(fields, where), model ? *model : Model(), where))
   {
   }

   const BlockCoder &Coder() const { return fCoder; }

   /// Names of the fields that decoding some columns takes.
   std::vector<std::string> FieldsFor(const std::vector<std::size_t> &columns) const
   {
      std::vector<std::string> names;
      for (const std::size_t field : fCoder.FieldsFor(columns))
         names.push_back(fCoder.Fields()[field].fName);
      return names;
   }

   /// {column: (values, [offsets])}; see the stub.
   py::dict Decode(std::uint32_t events, const py::object &checksums, const py::bytes &special, const py::dict &fields,
                   const py::dict &kept, const std::vector<std::size_t> &columns, const std::string &where) const
   {
      StoredBlock stored;
      stored.fEvents = events;
      stored.fChecksums = ToVector<std::uint32_t>(checksums);
      const std::string bytes = special;
      stored.fSpecial.assign(bytes.begin(), bytes.end());
      for (const StoredField &field : fCoder.Fields())
         stored.fIntegers.push_back(
            fields.contains(field.fName.c_str()) ? ToIntegers(fields[field.fName.c_str()], field) : Integers());
      TableBlock block;
      block.fColumns.resize(fCoder.GetLayout().fSchema.size());
      for (const auto [column, content] : kept)
         block.fColumns.at(column.cast<std::size_t>()) =
            ToColumn(column.cast<std::size_t>(), content.cast<py::tuple>());
      {
         const py::gil_scoped_release release;
         fCoder.Decode(stored, columns, block, where);
      }
      py::dict result;
      for (const std::size_t column : columns)
         if (!fCoder.GetLayout().IsKept(column))
            result[py::int_(column)] = FromColumn(std::move(block.fColumns[column]));
      return result;
   }

private:
   static Integers ToIntegers(const py::object &array, const StoredField &field)
   {
      switch (field.fBytes) {
      case 1:
         return ToVector<std::uint8_t>(array);
      case 2:
         return ToVector<std::uint16_t>(array);
      default:
         return ToVector<std::uint32_t>(array);
      }
   }

   ColumnBlock ToColumn(std::size_t column, const py::tuple &content) const
   {
      ColumnBlock result;
      result.fValues = VisitColumnType(fCoder.GetLayout().fSchema[column].fType, [&](auto value) -> ColumnValues {
         using Value = decltype(value);
         if constexpr (std::is_same_v<Value, std::string>)
            return content[0].cast<std::vector<std::string>>();
         else
            return ToVector<Value>(content[0]);
      });
      for (const auto offsets : content[1])
         result.fOffsets.push_back(ToVector<std::uint64_t>(offsets));
      return result;
   }

   static py::tuple FromColumn(ColumnBlock &&column)
   {
      py::list offsets;
      for (auto &level : column.fOffsets)
         offsets.append(TakeOver(std::move(level)));
      return py::make_tuple(
         std::visit([](auto &&values) { return TakeOver(std::move(values)); }, std::move(column.fValues)), offsets);
   }

   BlockCoder fCoder;
};

} // namespace

void BindBlockCoder(py::module_ &module)
{
   module.attr("FORMAT_VERSION") = kFormatVersion;

   py::class_<Decoder>(module, "Decoder", "Decodes blocks of a compressed file from what uproot reads of it.")
      .def(py::init<const py::dict &, const Model *, const std::string &>(), py::arg("metadata"), py::arg("model"),
           py::arg("where"))
      .def("fields_for", &Decoder::FieldsFor, py::arg("columns"))
      .def("decode", &Decoder::Decode, py::arg("events"), py::arg("checksums"), py::arg("special"), py::arg("fields"),
           py::arg("kept"), py::arg("columns"), py::arg("where"));

   module.def("field_names", &FieldNames, py::arg("columns"), py::arg("taken") = std::vector<std::string>(),
              "Names under which an RNTuple can hold columns.");
}
