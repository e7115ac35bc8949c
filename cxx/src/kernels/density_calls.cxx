#include "density_calls.hxx"

#include <algorithm>

namespace aeplugin::kernels {

AlignedFloats PackColumns(const std::vector<float> &weights, std::size_t inputs, std::size_t outputs)
{
   AlignedFloats packed(inputs * outputs);
   float *next = packed.data();
   for (std::size_t first = 0, group = 0; first < outputs; first += group) {
      group = ColumnsGroup(outputs - first);
      for (std::size_t i = 0; i < inputs; ++i)
         for (std::size_t o = first; o < first + group; ++o)
            *next++ = weights[o * inputs + i];
   }
   return packed;
}

void SlicesTables::Reshape(const SlicesShape &shape)
{
   const std::size_t stride = fStride;
   const std::size_t categories = std::max<std::size_t>(shape.Categories(), 1);
   const std::size_t slices = shape.fRange > 0 ? shape.fSlices : 0;
   const std::size_t knots = shape.fRange > 0 ? shape.Knots() : 0;
   const std::size_t others = shape.fRange > 0 ? 1 : 0;
   const std::size_t ints = (categories + slices + 2 * others) * stride;
   const std::size_t floats = (knots + 4 * others) * stride;
   if (fInts.size() < ints)
      fInts = AlignedInts(ints);
   if (fFloats.size() < floats)
      fFloats = AlignedFloats(floats);
   fPlanes = {};
   fPlanes.fShape = shape;
   fPlanes.fStride = stride;
   fPlanes.fStarts = fInts.data();
   if (shape.fRange == 0)
      return;
   fPlanes.fSums = fPlanes.fStarts + categories * stride;
   fPlanes.fLowest = fPlanes.fSums + slices * stride;
   fPlanes.fLimits = fPlanes.fLowest + stride;
   fPlanes.fKnots = fFloats.data();
   fPlanes.fCentre = fPlanes.fKnots + knots * stride;
   fPlanes.fSteepness = fPlanes.fCentre + stride;
   fPlanes.fPerSlice = fPlanes.fSteepness + stride;
   fPlanes.fRatio = fPlanes.fPerSlice + stride;
}

} // namespace aeplugin::kernels
