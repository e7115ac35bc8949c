#include "table_writer.hxx"

namespace aeplugin::rdf {

std::unique_ptr<TableWriter> TableWriter::Create(TFile &file, const std::string &name, const TableSchema &schema,
                                                 TableFormat format, int compression)
{
   return format == TableFormat::kRNTuple ? CreateNtuple(file, name, schema, compression)
                                          : CreateTree(file, name, schema, compression);
}

} // namespace aeplugin::rdf
