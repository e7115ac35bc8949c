"""What a training leaves in its folder: pictures, logs of TensorBoard, and a page about all of it; needs torch."""

from aeplugin.training_report.facts import Trained, TrainingFacts
from aeplugin.training_report.folder import TrainingFolder
from aeplugin.training_report.page import write_page

__all__ = ["Trained", "TrainingFacts", "TrainingFolder", "write_page"]
