#include <aeplugin/error.hxx>
#include <aeplugin/rdf/define.hxx>
#include <aeplugin/rdf/functors.hxx>
#include <aeplugin/rdf/shared_model.hxx>

#include "columns.hxx"
#include "packing.hxx"

namespace aeplugin::rdf {
namespace {

using ROOT::RDF::RNode;
using ROOT::VecOps::RVec;

/// Row-major values of the objects of one event, one buffer per thread and use.
std::vector<float> &Buffer(std::size_t use, std::size_t size)
{
   thread_local std::vector<float> buffers[2];
   if (buffers[use].size() < size)
      buffers[use].resize(size);
   return buffers[use];
}

/// The objects of an event row by row, in the thread's first buffer.
/// \throws InputError where the columns differ in length
float *Rows(const RVec<float> *const *columns, std::size_t inputs)
{
   const std::size_t objects = columns[0]->size();
   float *values = Buffer(0, objects * inputs).data();
   for (std::size_t c = 0; c < inputs; ++c) {
      if (columns[c]->size() != objects)
         throw InputError("column " + std::to_string(c) + " of a collection has " + std::to_string(columns[c]->size()) +
                          " values in an event; the first has " + std::to_string(objects));
      for (std::size_t i = 0; i < objects; ++i)
         values[i * inputs + c] = (*columns[c])[i];
   }
   return values;
}

std::vector<const RVec<float> *> PointersTo(const Columns &columns)
{
   std::vector<const RVec<float> *> pointers;
   for (const auto &column : columns)
      pointers.push_back(&column);
   return pointers;
}

/// Adds each column of the Columns called `packed`: vectors, or single numbers where `single`.
RNode Unpack(RNode node, const std::string &packed, const std::vector<std::string> &names, bool single)
{
   for (std::size_t i = 0; i < names.size(); ++i) {
      if (single)
         node = node.Define(names[i], [i](const Columns &columns) { return columns[i][0]; }, {packed});
      else
         node = node.Define(names[i], [i](const Columns &columns) { return columns[i]; }, {packed});
   }
   return node;
}

RNode Apply(RNode node, const std::vector<std::shared_ptr<const Engine>> &engines,
            const std::vector<std::string> &inputs, const std::vector<std::string> &outputs)
{
   RequireColumns(node.GetColumnNames(), inputs);
   const bool single = IsSingleNumber(node.GetColumnType(inputs.front()));
   const std::string packed = PackColumns(node, inputs, "float");
   const std::string result = UniqueName("result");
   const Chain chain(engines, inputs.size());
   node = node.Define(result, [chain](const Columns &columns) { return chain.Run(columns); }, {packed});
   return Unpack(node, result, outputs, single);
}

std::vector<std::string> WithSuffix(std::vector<std::string> names, const std::string &suffix)
{
   for (std::string &name : names)
      name += suffix;
   return names;
}

} // namespace

Chain::Chain(std::vector<std::shared_ptr<const Engine>> engines, std::size_t inputs)
   : fEngines(std::move(engines)), fInputs(inputs)
{
   if (fEngines.front()->Inputs() != inputs)
      throw ModelError("the network takes " + std::to_string(fEngines.front()->Inputs()) + " columns; it is given " +
                       std::to_string(inputs));
}

Columns Chain::Run(const Columns &columns) const
{
   return Run(PointersTo(columns).data());
}

Columns Chain::Run(const RVec<float> *const *columns) const
{
   const std::size_t objects = columns[0]->size();
   float *values = Rows(columns, fInputs);
   std::size_t use = 0;
   for (const auto &engine : fEngines) {
      use = 1 - use;
      float *results = Buffer(use, objects * engine->Outputs()).data();
      engine->Run(values, objects, results);
      values = results;
   }
   const std::size_t outputs = fEngines.back()->Outputs();
   Columns result(outputs);
   for (std::size_t c = 0; c < outputs; ++c) {
      result[c].resize(objects);
      for (std::size_t i = 0; i < objects; ++i)
         result[c][i] = values[i * outputs + c];
   }
   return result;
}

Scores::Scores(Autoencoder autoencoder, std::size_t inputs) : fAutoencoder(std::move(autoencoder))
{
   if (fAutoencoder.fModel.fColumns.size() != inputs)
      throw ModelError("the model has " + std::to_string(fAutoencoder.fModel.fColumns.size()) +
                       " columns; it is given " + std::to_string(inputs));
}

RVec<float> Scores::Run(const RVec<float> *const *columns) const
{
   RVec<float> errors(columns[0]->size());
   fAutoencoder.ReconstructionErrors(Rows(columns, fAutoencoder.fModel.fColumns.size()), errors.size(), errors.data());
   return errors;
}

RVec<float> Scores::Run(const Columns &columns) const
{
   return Run(PointersTo(columns).data());
}

RNode DefineLatents(RNode node, const Autoencoder &autoencoder)
{
   const CollectionModel &model = autoencoder.fModel;
   return Apply(std::move(node), {autoencoder.fEncoder}, model.ColumnNames(), model.LatentNames());
}

RNode DefineDecoded(RNode node, const Autoencoder &autoencoder, const std::string &suffix)
{
   const CollectionModel &model = autoencoder.fModel;
   return Apply(std::move(node), {autoencoder.fDecoder}, model.LatentNames(), WithSuffix(model.ColumnNames(), suffix));
}

RNode DefineReconstructed(RNode node, const Autoencoder &autoencoder, const std::string &suffix)
{
   const CollectionModel &model = autoencoder.fModel;
   return Apply(std::move(node), {autoencoder.fEncoder, autoencoder.fDecoder}, model.ColumnNames(),
                WithSuffix(model.ColumnNames(), suffix));
}

RNode DefineScores(RNode node, const Autoencoder &autoencoder)
{
   const CollectionModel &model = autoencoder.fModel;
   RequireColumns(node.GetColumnNames(), model.ColumnNames());
   const bool single = IsSingleNumber(node.GetColumnType(model.ColumnNames().front()));
   const std::string packed = PackColumns(node, model.ColumnNames(), "float");
   const std::string result = UniqueName("scores");
   const Scores scores(autoencoder, model.fColumns.size());
   node = node.Define(result, [scores](const Columns &columns) { return scores.Run(columns); }, {packed});
   const std::string name = model.fName + "_score";
   if (single)
      node = node.Define(name, [](const RVec<float> &errors) { return errors[0]; }, {result});
   else
      node = node.Define(name, [](const RVec<float> &errors) { return errors; }, {result});
   return node.Define(model.fName + "_event_score", &EventScore, {result});
}

} // namespace aeplugin::rdf
