#ifndef AEPLUGIN_DENSITY_MOMENTUM_HXX
#define AEPLUGIN_DENSITY_MOMENTUM_HXX

#include "../kernels/kernels.hxx"
#include "walk.hxx"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace aeplugin::density {

/// Cosines and sines of an angle.
struct Circle {
   std::vector<double> fCosines;
   std::vector<double> fSines;

   /// Makes room for `n` angles.
   void Resize(std::size_t n);
   /// Those of `n` grid integers, up to kMostRows, from place `first` on; of marks those of 0.
   void Fill(const Quantiser &quantiser, const Grid *integers, std::size_t first, std::size_t n,
             const kernels::KernelSet &kernels);
};

/// What the objects of events leave unbalanced, event by event, and sums over them (docs/format.md, "Missing
/// momentum").
class MomentumBalance {
public:
   MomentumBalance(std::size_t events, const kernels::KernelSet &kernels);

   /// Begins with the missing momentum of the events.
   void Begin(const PreparedDensity &density, const Grid *pt, const Grid *phi, const Circle &angles);
   /// Makes event `order[i]` the i-th; Restore undoes it.
   void Reorder(const std::vector<std::uint32_t> &order);
   void Restore(const std::vector<std::uint32_t> &order);
   /// Adds an object to each of `rows` events, up to kMostRows, from `first` on.
   /// \param angles of `phi`, from `place` on
   /// \param eta may be null
   void Add(const PreparedDensity &density, const DensityMomentum &momentum, const Grid *pt, const Grid *phi,
            const Grid *eta, const Circle &angles, std::size_t place, std::size_t first, std::size_t rows);
   /// Sets what follows for `rows` events, up to kMostRows, from `first` on; until the next call they are row 0, 1, ...
   void Update(std::size_t first, std::size_t rows);

   const double *DirectionX() const { return fDirectionX; }
   const double *DirectionY() const { return fDirectionY; }
   const double *Angle() const { return fAngle; } ///< of the direction
   const float *Missing() const { return fMissing; }
   const float *Activity() const { return fActivity; }
   const float *Longitudinal() const { return fLongitudinal; }

private:
   void Permute(const std::vector<std::uint32_t> &order, bool back);

   const kernels::KernelSet *fKernels;
   std::vector<double> fX, fY, fPt, fZ, fSize; ///< the sums
   double fDirectionX[kMostRows];
   double fDirectionY[kMostRows];
   alignas(64) double fAngle[kMostRows];
   float fMissing[kMostRows];
   float fActivity[kMostRows];
   float fLongitudinal[kMostRows];
};

} // namespace aeplugin::density

#endif
