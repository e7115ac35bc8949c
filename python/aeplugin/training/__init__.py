"""Training of the networks of a recipe; needs torch.

`train` is all that most programs need. Its parts, each a file of its own: *sources* read and select objects in blocks,
*normalisations* make features of them, *data* makes batches, *networks*, *losses* and *latents* make an objective, the
*trainer* makes its loss small, *folding* makes a model of what was trained. Nothing that decoding depends on is here.
"""

from __future__ import annotations

try:
    import torch
except ImportError:
    raise ImportError("training needs torch: pip install 'aeplugin[train]'") from None

from aeplugin.training.autoencoders import EpochReport
from aeplugin.training.run import train, train_collection
from aeplugin.training.summary import ColumnErrors, TrainingSummary
from aeplugin.training.trainer import Progress

__all__ = ["ColumnErrors", "EpochReport", "Progress", "TrainingSummary", "torch", "train", "train_collection"]
