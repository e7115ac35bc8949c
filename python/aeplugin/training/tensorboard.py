"""Logs of a training for TensorBoard; needs the extra "tensorboard"."""

from __future__ import annotations

from pathlib import Path

from aeplugin.training.trainer import Progress


class TensorBoardLogs:
    """Losses, learning rate and time of each epoch, in a folder for each network.

    A training that goes on, or is repeated in the same folder, replaces what stood there: TensorBoard reads the newest
    log, which has all epochs.
    """

    def __init__(self, folder: Path) -> None:
        """
        Args:
            folder: of all networks; made where it is missing.

        Raises:
            ImportError: TensorBoard is not there.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise ImportError("logs for TensorBoard need tensorboard: pip install 'aeplugin[tensorboard]'") from None
        self._make = SummaryWriter
        self._folder = folder
        self._writers: dict[str, SummaryWriter] = {}

    def epoch(self, name: str, progress: Progress) -> None:
        """Add an epoch of the network called `name`, or all so far where it is the first that is told."""
        first = progress.epochs - 1
        if name not in self._writers:
            self._writers[name], first = self._make(str(self._folder / name), purge_step=1), 0
        writer = self._writers[name]
        for i in range(first, progress.epochs):
            values = {
                "loss/training": progress.training_loss[i],
                "loss/validation": progress.validation_loss[i],
                "learning_rate": progress.learning_rate[i],
                "seconds": progress.seconds[i],
            }
            for tag, value in values.items():
                writer.add_scalar(tag, value, i + 1)
        writer.flush()

    def close(self) -> None:
        """Complete the logs."""
        for writer in self._writers.values():
            writer.close()
