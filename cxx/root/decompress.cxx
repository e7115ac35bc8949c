#include "block_loop.hxx"
#include "compressed_tables.hxx"
#include "root_errors.hxx"
#include "table_writer.hxx"
#include "terminate_scope.hxx"

#include <aeplugin/atomic_file.hxx>
#include <aeplugin/rdf/files.hxx>
#include <aeplugin/rdf/metadata.hxx>

#include <TObjString.h>

namespace aeplugin::rdf {
namespace {

/// Under this name a decompressed file carries the recipe, for the plots.
constexpr char kRecipeKey[] = "aeplugin_recipe";

void WriteRecipe(TFile &file, const std::string &path, const std::string &recipe)
{
   const TObjString text(recipe.c_str());
   if (file.WriteTObject(&text, kRecipeKey) == 0)
      throw InputError(path + ": cannot be written; is the disk full?");
}

} // namespace

std::uint64_t Decompress(const std::string &input, const std::string &output, const DecompressOptions &options)
{
   const auto compressed = CompressedFile::Open(input);
   AtomicFile target(output, input);
   const TerminateScope onTerminate(target.TemporaryPath());
   return WithRootErrors(input, [&] {
      const std::unique_ptr<TFile> file(TFile::Open(target.TemporaryPath().c_str(), "RECREATE"));
      if (!file || file->IsZombie())
         throw InputError(output + ": cannot be opened for writing");
      const auto writer = TableWriter::Create(*file, EventsName(compressed->Table()), compressed->Schema(),
                                              options.fFormat, options.fCompression);
      BlockWork work;
      work.fInOrder = [&](const TableBlock &block) { writer->Write(block); };
      ForEachBlock(compressed, options.fThreads, options.fProgress, work);
      writer->Close();
      WriteRecipe(*file, output, compressed->Parts().front().fRecipe);
      file->Close();
      target.Commit();
      return compressed->Events();
   });
}

Model ReadModel(const std::string &compressedPath)
{
   for (const Metadata &part : ReadMetadata(compressedPath))
      if (!part.fModel.empty())
         return Model::FromBytes(std::string(part.fModel.begin(), part.fModel.end()), compressedPath);
   throw ModelError(compressedPath + ": has no model inside, because its codecs need none");
}

} // namespace aeplugin::rdf
