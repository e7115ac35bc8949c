"""Data, a small ROOT file and a trained model that the tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
import yaml
from hypothesis import settings

from aeplugin import Model, Recipe, darkmachines, rdf
from aeplugin._core import Activation, CollectionModel, Layer, ModelColumn, Transform
from aeplugin.jobs import Job

REPOSITORY = Path(__file__).resolve().parents[2]

# The machines of a CI are shared: one slow example says nothing.
settings.register_profile("aeplugin", deadline=None)
settings.load_profile("aeplugin")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Published data beside the repository, which have no licence to be part of it."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the published data sets in {folder}, which are not part of the repository")
    return folder


@pytest.fixture(scope="session")
def data() -> Path:
    """Generated events, 3000 of each process, as *.csv.gz."""
    return REPOSITORY / "data"


def write_events(source: Path, target: Path) -> Path:
    """The events of a Dark Machines file as an RNTuple "events", by way of uproot."""
    events = darkmachines.read(source)
    jets = {f"Jet_{name}": events.Jet[name] for name in ("E", "pt", "eta", "phi")}
    with uproot.recreate(target) as file:
        file.mkrntuple("events", {"event": events.event, "MET_pt": events.MET_pt, **jets})
    return target


@pytest.fixture(scope="session")
def root() -> Any:
    """ROOT with the glue."""
    return rdf.load()


@pytest.fixture(params=[0, 2])
def threads(root: Any, request: pytest.FixtureRequest) -> Iterator[int]:
    """How many threads ROOT uses; 0: it does not use any."""
    if request.param:
        root.EnableImplicitMT(request.param)
    yield request.param
    root.DisableImplicitMT()


@pytest.fixture(scope="session")
def events_file(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3000 monojet events: an RNTuple "events" with event, MET_pt, Jet_E, Jet_pt, Jet_eta, Jet_phi."""
    return write_events(data / "monojet.csv.gz", tmp_path_factory.mktemp("events") / "monojet.root")


@pytest.fixture(scope="session")
def shared_events_file(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 4800 events of the Dark Machines challenge in the same form."""
    (source,) = (shared_data / "darkmachines").glob("*.csv")
    return write_events(source, tmp_path_factory.mktemp("shared_events") / "events.root")


@pytest.fixture(scope="session")
def jets_recipe() -> Recipe:
    """The shipped recipe darkmachines-jets with few epochs."""
    return with_training(Recipe.from_file("darkmachines-jets"), epochs=6)


def with_training(recipe: Recipe, **changes: float) -> Recipe:
    return recipe.model_copy(update={"training": recipe.training.model_copy(update=changes)})


@pytest.fixture(scope="session")
def jets_model(events_file: Path, jets_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file "jets.model", trained on `events_file` for a few epochs."""
    training = pytest.importorskip("aeplugin.training", reason="needs torch", exc_type=ImportError)
    path = tmp_path_factory.mktemp("model") / "jets.model"
    training.train([events_file], jets_recipe).save(str(path))
    return path


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Model]:
    """A factory of models with random weights: columns pt (log10), eta, phi of "Jet", of any hidden widths."""

    def make(hidden: tuple[int, ...] = (5, 4), latents: int = 2, seed: int = 1, recipe: str = "", **more: str) -> Model:
        rng = np.random.default_rng(seed)
        columns = [
            ModelColumn("pt", "Jet_pt", Transform.log10, 4.8, 0.4),
            ModelColumn("eta", "Jet_eta", Transform.linear, 0.1, 1.5),
            ModelColumn("phi", "Jet_phi", Transform.linear, -0.2, 1.8),
        ]

        def network(widths: list[int]) -> list[Layer]:
            layers = []
            for i, (inputs, outputs) in enumerate(pairwise(widths)):
                last = i == len(widths) - 2
                bound = 1 / np.sqrt(inputs)
                weights = rng.uniform(-bound, bound, (outputs, inputs)).astype(np.float32)
                biases = rng.uniform(-bound, bound, outputs).astype(np.float32)
                layers.append(Layer(weights, biases, Activation.linear if last else Activation.tanh))
            return layers

        widths = [len(columns), *hidden, latents]
        jets = CollectionModel("Jet", columns, network(widths), network(widths[::-1]))
        rules = {"collections": [], "dropped": []}
        return Model(recipe, rules, more.get("training", "{}"), [jets])

    return make


@pytest.fixture(scope="session")
def job_inputs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with four small ROOT files in two folders; the recipe darkmachines-jets fits them."""
    folder = tmp_path_factory.mktemp("inputs")
    text = darkmachines.read(data / "zz.csv.gz")
    for number, name in enumerate(("run1/a", "run1/b", "run2/a", "run2/c")):
        path = folder / f"{name}.root"
        path.parent.mkdir(exist_ok=True)
        events = text[number * 200 : number * 200 + 200]
        jets = {f"Jet_{name}": events.Jet[name] for name in ("E", "pt", "eta", "phi")}
        with uproot.recreate(path) as file:
            file.mkrntuple("events", {"event": events.event, "MET_pt": events.MET_pt, **jets})
    return folder


@pytest.fixture
def make_job(job_inputs: Path, tmp_path: Path) -> Callable[..., Job]:
    """A job that compresses the inputs to ``tmp_path/out``, with changes."""

    def make(**changes: Any) -> Job:
        content: dict[str, Any] = {
            "task": "compress",
            "inputs": [f"{job_inputs}/**/*.root"],
            "output": "out",
            "recipe": "darkmachines-jets",
            **changes,
        }
        path = tmp_path / "job.yaml"
        path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
        return Job.from_file(path)

    return make
