"""The loop that trains: schedules, early stopping, devices, checkpoints, and data that are larger than memory."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from aeplugin import Model, Recipe
from aeplugin.errors import CorruptionError, InputError
from aeplugin.event_numbers import event_uniform
from aeplugin.recipe_training import Training

pytest.importorskip("torch", reason="training needs torch")
import torch

from aeplugin import training
from aeplugin.training import checkpoints, sources
from aeplugin.training.data import BlockData
from aeplugin.training.run import Checkpoints
from aeplugin.training.trainer import Batch, Hooks, State, Trainer

RECIPE = """
collections:
  Jet:
    columns:
      pt:  {tolerance: {rel: 0.02}, transform: log10}
      eta: {tolerance: {abs: 0.01}}
      phi: {tolerance: {abs: 0.01}, periodic: true}
    network: {hidden: [12], latents: 2}
training: {epochs: 4, batch_size: 64}
"""


def recipe(network: str = "{hidden: [12], latents: 2}", **changes: Any) -> Recipe:
    found = Recipe.from_text(RECIPE.replace("{hidden: [12], latents: 2}", network))
    return found.model_copy(update={"training": Training.model_validate({**found.training.model_dump(), **changes})})


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two files of jets, of 400 and 250 events."""
    rng = np.random.default_rng(1)
    paths = []
    for number, events in enumerate((400, 250)):
        counts = rng.integers(0, 8, events)
        total = int(counts.sum())
        columns = {
            "Jet_pt": rng.lognormal(11, 0.7, total).astype(np.float32),
            "Jet_eta": rng.normal(0, 1.5, total).astype(np.float32),
            "Jet_phi": rng.uniform(-np.pi, np.pi, total).astype(np.float32),
        }
        paths.append(tmp_path_factory.mktemp("jets") / f"{number}.root")
        with uproot.recreate(paths[-1]) as file:
            file.mkrntuple("events", {name: ak.unflatten(values, counts) for name, values in columns.items()})
    return paths


class Copy(torch.nn.Module):
    """An objective that is easy: one weight that should be 1."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def training_loss(self, batch: Batch) -> torch.Tensor:
        return ((self.weight * batch[0] - batch[0]) ** 2).mean()

    validation_loss = training_loss


class Numbers:
    """Rows to train on in blocks, and the blocks that were read, in order."""

    row_bytes = 4

    def __init__(self, counts: list[int]) -> None:
        self.counts = counts
        self.read: list[int] = []

    def training(self, block: int) -> Batch:
        self.read.append(block)
        start = sum(self.counts[:block])
        return (torch.arange(start, start + self.counts[block]).float()[:, None],)

    def validation(self, block: int) -> Batch:
        return (torch.full((block % 2, 1), float(block)),)


def test_one_buffer_is_a_permutation_of_everything() -> None:
    rows = Numbers([5, 0, 7, 8])
    data = BlockData(rows, Training(batch_size=4))
    assert data.fits
    assert data.steps == 5
    first, second, again = ([int(x) for (part,) in data.batches(epoch) for x in part] for epoch in (1, 2, 1))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first == again != second
    assert rows.read == [0, 2, 3]  # kept after that
    assert [float(part[0]) for (part,) in data.validation() if len(part)] == [1, 3]


@pytest.mark.parametrize("workers", [0, 2])
def test_buffers_are_bounded_and_mixed(workers: int) -> None:
    """With room for 20 rows, blocks of 10 come in pairs, other pairs in each epoch, whoever reads them."""
    counts = [10] * 12
    data = BlockData(Numbers(counts), Training(batch_size=5, memory=80e-9, workers=workers))
    assert not data.fits
    epochs = []
    for epoch in (1, 2, 1):
        batches = [[int(x) for x in part[:, 0]] for (part,) in data.batches(epoch)]
        assert all(len(batch) == 5 for batch in batches)
        assert len(batches) <= data.steps
        assert sorted(x for batch in batches for x in batch) == list(range(120))
        for at in range(0, len(batches), 4):  # a buffer has 20 rows of two blocks
            assert len({x // 10 for batch in batches[at : at + 4] for x in batch}) == 2
        epochs.append(batches)
    assert epochs[0] == epochs[2] != epochs[1]
    assert epochs[0] == [
        [int(x) for x in part[:, 0]]
        for (part,) in BlockData(Numbers(counts), Training(batch_size=5, memory=80e-9)).batches(1)
    ]


def test_small_buffers_waste_nothing() -> None:
    """Blocks of fewer rows than a batch, in buffers that hold no whole number of them, fill batches all the same."""
    counts = [7] * 9
    for memory in (1e-12, 80e-9):
        data = BlockData(Numbers(counts), Training(batch_size=10, memory=memory))
        assert not data.fits
        batches = [[int(x) for x in part[:, 0]] for (part,) in data.batches(1)]
        assert [len(batch) for batch in batches] == [10] * data.steps == [10] * 6
        assert len({x for batch in batches for x in batch}) == 60


def test_what_is_held_out_is_not_kept_where_it_takes_more() -> None:
    class Mostly(Numbers):
        reads = 0

        def validation(self, block: int) -> Batch:
            self.reads += 1
            return (torch.zeros(50, 1),)

    rows = Mostly([10, 10])
    data = BlockData(rows, Training(batch_size=5, memory=240e-9))  # 60 rows
    assert data.fits
    assert [sum(len(part) for (part,) in data.validation()) for _ in range(2)] == [100, 100]
    assert rows.reads == 4


@pytest.mark.parametrize("workers", [0, 1])
def test_what_cannot_be_read_is_told_in_one_line(workers: int) -> None:
    class Gone(Numbers):
        def training(self, block: int) -> Batch:
            raise InputError("jets.root: truncated")

    with pytest.raises(InputError, match=r"^jets\.root: truncated$"):
        list(BlockData(Gone([10, 10]), Training(batch_size=5, memory=40e-9, workers=workers)).batches(1))


def test_a_worker_that_is_killed_is_told() -> None:
    class Killed(Numbers):
        def training(self, block: int) -> Batch:
            os.kill(os.getpid(), signal.SIGKILL)
            return super().training(block)

    with pytest.raises(InputError, match=r"a process that reads ahead was ended .* lower training\.workers"):
        list(BlockData(Killed([10, 10]), Training(batch_size=5, memory=40e-9, workers=1)).batches(1))


def fit(settings: Training, hooks: Hooks | None = None, state: State | None = None) -> tuple[Copy, Any]:
    module = Copy()
    trainer = Trainer(module, BlockData(Numbers([40, 40]), settings), settings, hooks)
    return module, trainer.fit(state)


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine", "constant", "plateau"])
def test_schedules(schedule: Any) -> None:
    settings = Training(epochs=40, batch_size=8, learning_rate=0.05, schedule=schedule)
    module, progress = fit(settings)
    rates = np.array(progress.learning_rate)
    assert float(module.weight.detach()) == pytest.approx(1, abs=0.05)
    assert rates.max() <= 0.05 * (1 + 1e-6)
    if schedule == "one-cycle":  # up in the first 30 %, then down to nothing
        assert 10 <= int(rates.argmax()) + 1 <= 13
        assert rates[-1] < 1e-4 * rates.max()
    elif schedule == "cosine":
        np.testing.assert_allclose(rates, 0.025 * (1 + np.cos(np.pi * np.arange(1, 41) / 40)), atol=1e-6)
    elif schedule == "constant":
        np.testing.assert_allclose(rates, 0.05)
    else:  # a tenth, again and again, once nothing improves
        assert rates[0] == 0.05
        assert rates[-1] <= 0.05 * 1.001


def test_plateau_lowers_the_rate() -> None:
    class Stuck(Copy):
        def validation_loss(self, batch: Batch) -> torch.Tensor:
            return torch.ones(())

    settings = Training(epochs=20, batch_size=8, schedule="plateau")
    progress = Trainer(Stuck(), BlockData(Numbers([40, 40]), settings), settings).fit()
    found = sorted(set(np.round(np.array(progress.learning_rate) / settings.learning_rate, 9)), reverse=True)
    assert found == [1, 0.1, 0.01, 0.001]


def test_early_stopping() -> None:
    class Worse(Copy):
        """Whose validation is best in the third epoch."""

        seen = 0

        def validation_loss(self, batch: Batch) -> torch.Tensor:
            self.seen += 1
            return torch.tensor(float(abs(self.seen - 3)))

    settings = Training(epochs=50, batch_size=8, early_stopping=4)
    progress = Trainer(Worse(), BlockData(Numbers([40, 1]), settings), settings).fit()
    assert progress.epochs == 7
    assert progress.best_epoch == 3


def test_gradients_are_clipped() -> None:
    sizes = []

    class Watched(Copy):
        def training_loss(self, batch: Batch) -> torch.Tensor:
            if self.weight.grad is not None:
                sizes.append(float(self.weight.grad.norm()))
            return super().training_loss(batch)

    module = Watched()
    settings = Training(epochs=1, batch_size=8, clip=0.25)
    trainer = Trainer(module, BlockData(Numbers([40, 40]), settings), settings)
    trainer._optimiser.zero_grad = lambda set_to_none: None  # type: ignore[method-assign]
    module.weight.grad = torch.zeros(1)
    trainer.fit()
    assert sizes
    assert max(sizes[1:]) <= 0.25 * (1 + 1e-5)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_trains(files: list[Path], precision: Any) -> None:
    losses = {}
    for chosen in ("float32", precision):
        summary = json.loads(training.train(files, recipe(precision=chosen)).training)["collections"]["Jet"]
        losses[chosen] = summary["best_validation_loss"]
    assert losses[precision] != losses["float32"]
    assert losses[precision] == pytest.approx(losses["float32"], rel=0.2)


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "meta", ""])
def test_devices_that_are_not_there(files: list[Path], device: str) -> None:
    with pytest.raises(InputError, match=f"device '{device}'.*expected cpu, auto"):
        training.train(files, recipe(device=device))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_trains_on_a_gpu(files: list[Path], precision: Any) -> None:
    losses = [
        json.loads(training.train(files, recipe(device=device, precision=precision)).training)["collections"]["Jet"]
        for device in ("cpu", "cuda")
    ]
    assert losses[1]["best_validation_loss"] == pytest.approx(losses[0]["best_validation_loss"], rel=0.2)


NETWORKS = {
    "plain": "{hidden: [12], latents: 2}",
    "batch norm": "{hidden: [12], latents: 2, norm: batch, activation: relu}",
    "noise": "{hidden: [12], latents: 2, latent: {kind: variational}}",
}


class Stop(Exception):
    """Stands for kill -9."""


@pytest.mark.parametrize("schedule", ["one-cycle", "plateau"])
@pytest.mark.parametrize("network", list(NETWORKS))
@pytest.mark.parametrize("memory", [1, 2e-5], ids=["memory", "streamed"])
def test_goes_on_exactly(files: list[Path], network: str, schedule: Any, memory: float, tmp_path: Path) -> None:
    """Stopped in epoch 4, after the checkpoint of epoch 2, and resumed: the same bytes as without a break."""
    chosen = recipe(NETWORKS[network], epochs=5, checkpoint_every=2, schedule=schedule, memory=memory)
    whole = training.train(files, chosen)
    epochs: list[int] = []

    def stop(name: str, progress: training.Progress) -> None:
        epochs.append(progress.epochs)
        if epochs == [1, 2, 3]:
            raise Stop

    with pytest.raises(Stop):
        training.train(files, chosen, stop, Checkpoints(tmp_path / "folder"))
    resumed = training.train(files, chosen, stop, Checkpoints(tmp_path / "folder", resume=True))
    assert epochs == [1, 2, 3, 3, 4, 5]
    assert resumed.to_bytes() == whole.to_bytes()
    # What is complete is not trained again.
    again = training.train(files, chosen, stop, Checkpoints(tmp_path / "folder", resume=True))
    assert len(epochs) == 6
    assert again.to_bytes() == whole.to_bytes()


def test_early_stop_is_resumed_exactly(files: list[Path], tmp_path: Path) -> None:
    chosen = recipe(epochs=40, checkpoint_every=1, early_stopping=1, learning_rate=0.1, schedule="constant")
    whole = training.train(files, chosen, checkpoints=Checkpoints(tmp_path))
    assert training.train(files, chosen, checkpoints=Checkpoints(tmp_path, resume=True)).to_bytes() == whole.to_bytes()
    assert len(json.loads(whole.training)["collections"]["Jet"]["training_loss"]) < 40


def test_workers_and_blocks_change_nothing(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "BLOCK_EVENTS", 64)
    streamed = [training.train(files, recipe(memory=2e-5, workers=workers)) for workers in (0, 2)]
    layers = [[layer.weights.tobytes() for layer in model.collections[0].encoder] for model in streamed]
    assert layers[0] == layers[1]
    counted = [json.loads(model.training)["collections"]["Jet"]["training_objects"] for model in streamed]
    monkeypatch.setattr(sources, "BLOCK_EVENTS", 1 << 16)
    whole = json.loads(training.train(files, recipe()).training)["collections"]["Jet"]
    assert counted == [whole["training_objects"]] * 2  # the split does not depend on blocks


def test_split_is_that_of_the_event_numbers(files: list[Path]) -> None:
    summary = json.loads(training.train(files, recipe(validation=0.3)).training)["collections"]["Jet"]
    expected = 0
    for number, path in enumerate(files):
        with uproot.open(path) as file:
            counts = ak.num(file["events"].arrays()["Jet_pt"])
        expected += int(counts[event_uniform(1, "validation", number, 0, len(counts)) < 0.3].to_numpy().sum())
    assert summary["validation_objects"] == expected


def test_selection(files: list[Path]) -> None:
    changes = {"selection": {"objects": ["Jet_pt > 60e3", "abs(Jet_eta) < 2"], "events": ["n(Jet) > 2"]}}
    summary = json.loads(training.train(files, recipe(**changes)).training)["collections"]["Jet"]
    expected = 0
    for path in files:
        with uproot.open(path) as file:
            jets = file["events"].arrays()
        jets = jets[ak.num(jets["Jet_pt"]) > 2]
        expected += int(ak.sum((jets["Jet_pt"] > 60e3) & (abs(jets["Jet_eta"]) < 2)))
    assert summary["objects"] == expected
    assert 0 < expected < 1500


def other(name: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        if name == "empty":
            path.write_bytes(b"")
        elif name == "truncated":
            path.write_bytes(path.read_bytes()[:-100])
        elif name == "flipped":
            content = bytearray(path.read_bytes())
            content[: len(content) // 2] = bytes(len(content) // 2)
            path.write_bytes(bytes(content))
        elif name == "one bit":
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(bytes(content))
        else:
            checkpoints.save(path, {"code": Exploding()}, "")

    return write


class Exploding:
    """Would run code when it is unpickled."""

    def __reduce__(self) -> Any:
        return (exec, ("raise SystemExit('code was run')",))


@pytest.mark.parametrize("damage", ["empty", "truncated", "flipped", "one bit", "code"])
def test_damaged_checkpoints(files: list[Path], damage: str, tmp_path: Path) -> None:
    training.train(files, recipe(), checkpoints=Checkpoints(tmp_path))
    other(damage)(tmp_path / "Jet.checkpoint")
    with pytest.raises(CorruptionError, match=r"Jet\.checkpoint: no checkpoint .* remove it to train"):
        training.train(files, recipe(), checkpoints=Checkpoints(tmp_path, resume=True))
    training.train(files, recipe(), checkpoints=Checkpoints(tmp_path))  # without resuming it is written over


@pytest.mark.parametrize("change", [{"epochs": 5}, {"learning_rate": 1e-4}, {"seed": 2}])
def test_checkpoints_of_another_training(files: list[Path], change: dict[str, Any], tmp_path: Path) -> None:
    training.train(files, recipe(), checkpoints=Checkpoints(tmp_path))
    with pytest.raises(InputError, match="another training: recipe, data or version of aeplugin or torch differ"):
        training.train(files, recipe(**change), checkpoints=Checkpoints(tmp_path, resume=True))
    with pytest.raises(InputError, match="another training"):
        training.train(files[:1], recipe(), checkpoints=Checkpoints(tmp_path, resume=True))


def test_a_checkpoint_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert checkpoints.load(tmp_path / "none.checkpoint", "") is None


def test_the_models_errors_are_those_of_what_is_held_out(files: list[Path]) -> None:
    """RMS and fractions in the summary, computed again with numpy from the decoded values."""
    from aeplugin import Autoencoder

    model = Model.from_bytes(training.train(files, recipe()).to_bytes())
    summary = json.loads(model.training)["collections"]["Jet"]
    engine = Autoencoder(model.collection("Jet"))
    errors = []
    for number, path in enumerate(files):
        with uproot.open(path) as file:
            jets = file["events"].arrays()
        chosen = jets[event_uniform(1, "validation", number, 0, len(jets)) < 0.2]
        values = np.stack([ak.flatten(chosen[f"Jet_{v}"]).to_numpy() for v in ("pt", "eta", "phi")], axis=1)
        moved = engine.decoder(engine.encoder(values)).astype(np.float64) - values
        moved[:, 0] /= values[:, 0]
        moved[:, 2] = (moved[:, 2] + np.pi) % (2 * np.pi) - np.pi
        errors.append(moved / [0.02, 0.01, 0.01])
    found = np.concatenate(errors)
    for i, variable in enumerate(("pt", "eta", "phi")):
        assert summary["columns"][variable]["rms"] == pytest.approx(np.sqrt((found[:, i] ** 2).mean()), rel=1e-6)
        assert summary["columns"][variable]["within"] == pytest.approx((np.abs(found[:, i]) <= 1).mean())
    assert summary["within"] == pytest.approx((np.abs(found) <= 1).all(axis=1).mean())
