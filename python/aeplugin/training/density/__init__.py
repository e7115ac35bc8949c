"""Training of the density of a recipe, the model of the codec `autoregressive`; docs/density.md explains it.

*columns* says what is coded, *events* reads it as grid integers, *order* and *features* decide what each variable is
told, *shapes* which integers it can be, *plan* joins these; *slices* is its distribution, *conditional* its network,
and *train* fits all of them. What networks see comes from the C++ core (`_core.density_context`), as in the decoder.
"""

from aeplugin.training.density.summary import DensitySummary, VariableSummary
from aeplugin.training.density.train import DensityReport, DensityTraining

__all__ = ["DensityReport", "DensitySummary", "DensityTraining", "VariableSummary"]
