"""Networks for whole events: autoencoders, and a normalising flow as a density. See docs/event-networks.md."""

try:
    import torch as torch
except ImportError:
    raise ImportError("event networks need torch: pip install 'aeplugin[train]'") from None

from aeplugin.training.events.model import EventModel
from aeplugin.training.events.train import train_events

__all__ = ["EventModel", "train_events"]
