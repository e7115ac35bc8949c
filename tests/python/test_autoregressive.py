"""The codec `autoregressive` from the training to every reader, and what the planner makes of it."""

from __future__ import annotations

import importlib.util
import json
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from click.testing import CliRunner
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

pytest.importorskip("ROOT", reason="needs ROOT", exc_type=ImportError)

import aeplugin
from aeplugin import Model, Recipe, rdf
from aeplugin._core import (
    Activation,
    CollectionModel,
    Density,
    DensityFeature,
    DensityVariable,
    Layer,
    ModelColumn,
    Transform,
)
from aeplugin.cli import main
from aeplugin.compilation import compile_recipe, with_codec
from aeplugin.compressed import CompressedFile
from aeplugin.errors import CorruptionError
from aeplugin.rntuples import stored_bytes
from format_reader import Column, flat, read
from test_format import columns_of, require_same, taken

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDEN = REPOSITORY / "tests" / "golden" / "autoregressive.root"
TABLE = "events"
MET = ["MET_pt", "MET_phi"]


def codecs_of(path: Path) -> dict[str, str]:
    part = CompressedFile(path).metadata[0]
    return dict(zip(part["group_names"], part["group_codecs"], strict=True))


def require_within(path: Path, *originals: Path) -> None:
    for column in rdf.verify(path, originals):
        assert column.violations == 0, column.first


def require_readers_agree(path: Path, folder: Path) -> dict[str, Column]:
    """All readers give the same bits as `aeplugin.open`, which are returned."""
    with aeplugin.open(path) as file:
        types, expected = file.typenames(), columns_of(file)
    rdf.decompress(path, folder / "plain.root")
    with uproot.open(folder / "plain.root") as plain:
        arrays = plain[TABLE].arrays()
    require_same({name: flat(arrays[name], kind) for name, kind in types.items()}, expected)
    frame = rdf.open(path)
    for name, kind in types.items():
        require_same({name: taken(frame, name, kind)}, {name: expected[name]})
    return expected


# trained on events


class Trained:
    """Events with whole collections, a density of a short training, and the compressed file."""

    def __init__(self, text: Path, folder: Path) -> None:
        training = pytest.importorskip("aeplugin.training", reason="needs torch", exc_type=ImportError)
        self.source, self.path, self.folder = folder / "events.root", folder / "compressed.root", folder
        rdf.convert(text, self.source)
        recipe = Recipe.from_file("darkmachines-events")
        assert recipe.density is not None
        density = recipe.density.model_copy(update={"epochs": 1, "effort": "fast", "mirror": []})
        self.model: Model = training.train([self.source], recipe.model_copy(update={"density": density}))
        rdf.compress(self.source, self.path, self.model)


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(data / "monojet.csv.gz", tmp_path_factory.mktemp("trained"))


def require_trained(trained: Trained, folder: Path) -> None:
    assert set(codecs_of(trained.path).values()) == {"autoregressive"}
    require_within(trained.path, trained.source)
    found = require_readers_agree(trained.path, folder)
    with uproot.open(trained.source) as file:
        arrays, types = file[TABLE].arrays(), file[TABLE].typenames(recursive=False)
    for name in ("Jet_btag", "Electron_charge", "Muon_charge"):
        require_same({name: found[name]}, {name: flat(arrays[name], types[name])})


def test_from_the_training_to_every_reader(trained: Trained, tmp_path: Path) -> None:
    require_trained(trained, tmp_path)
    plain = tmp_path / "without.root"
    rdf.compress(trained.source, plain, with_codec(Recipe.from_file("darkmachines-events"), "plain"))
    assert set(codecs_of(plain).values()) == {"plain"}
    # Of so few events the model is the larger part.
    sizes = [sum(stored_bytes(path)["aeplugin_blocks"].values()) for path in (trained.path, plain)]
    assert sizes[0] < 0.95 * sizes[1]


def test_published_events(shared_data: Path, tmp_path: Path) -> None:
    (text,) = (shared_data / "darkmachines").glob("*.csv")
    require_trained(Trained(text, tmp_path), tmp_path)


def test_coffea(trained: Trained) -> None:
    nanoevents = pytest.importorskip("coffea.nanoevents", reason="needs coffea", exc_type=ImportError)
    schema = pytest.importorskip("aeplugin.coffea", exc_type=ImportError).CompressedSchema
    events = nanoevents.NanoEventsFactory.from_root({str(trained.path): TABLE}, schemaclass=schema).events()
    with aeplugin.open(trained.path) as file:
        for collection in ("Jet", "Muon"):
            for name in ("pt", "phi"):
                expected = file[f"{collection}_{name}"]
                assert ak.array_equal(ak.materialize(events[collection][name]), expected, check_parameters=False)


def test_only_what_a_column_is_decoded_from_is_read(trained: Trained, tmp_path: Path) -> None:
    """Damage in the pages of jets is none of the business of who reads the missing momentum."""
    damaged = tmp_path / "damaged.root"
    damaged.write_bytes(with_damage(trained.path, "Jet_pt"))
    with aeplugin.open(trained.path) as file:
        expected = columns_of(file)
        types = file.typenames()
    frame = rdf.open(damaged)
    for name in MET:
        require_same({name: taken(frame, name, types[name])}, {name: expected[name]})
    with aeplugin.open(damaged) as file:
        for name in MET:
            require_same({name: flat(file[name], types[name])}, {name: expected[name]})
        with pytest.raises(CorruptionError):
            file["Jet_pt"]
        with pytest.raises(CorruptionError):
            file["Jet_E"]
    with pytest.raises(Exception, match=r"damaged|[Cc]hecksum|corrupt"):
        rdf.open(damaged).Mean("Jet_pt").GetValue()


def with_damage(path: Path, field: str) -> bytes:
    """The bytes of a file, with one changed in the pages of the blocks' field."""
    with uproot.open(path) as file:
        blocks = file["aeplugin_blocks"]
        ids = [record.field_name for record in blocks.field_records]
        parents = [record.parent_field_id for record in blocks.field_records]
        column = next(
            number for number, record in enumerate(blocks.column_records)
            if ids[parents[record.field_id]] == field and parents[record.field_id] != record.field_id
        )  # fmt: skip
        place = blocks.page_link_list[0][column].pages[0].locator
    content = bytearray(path.read_bytes())
    content[place.offset + place.num_bytes // 2] ^= 0x10
    return bytes(content)


def test_command_line(trained: Trained, tmp_path: Path) -> None:
    def run(*words: str | Path) -> str:
        result = CliRunner().invoke(main, [str(word) for word in words])
        assert result.exit_code == 0, result.output
        return result.output

    assert "autoregressive" in run("inspect", trained.path)
    about = json.loads(run("inspect", trained.path, "--json"))
    assert "autoregressive" in json.dumps(about)
    run("extract", trained.path, tmp_path / "extracted.model")
    extracted = Model.from_file(str(tmp_path / "extracted.model"))
    assert extracted.density is not None
    assert extracted.to_bytes() == trained.model.to_bytes()
    evaluated = json.loads(run("evaluate", trained.source, trained.path, "--json"))
    assert {"E", "pt", "eta", "phi"} <= set(evaluated["variables"]["Jet"])
    run("verify", trained.path)


# a density that nobody has trained, and any values


@pytest.fixture(scope="module")
def golden() -> ModuleType:
    """The script that makes golden files; `golden.golden_density` is what it has of this codec."""
    spec = importlib.util.spec_from_file_location("make_golden_too", REPOSITORY / "tools" / "make_golden.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Toy:
    """Compresses tables as those of the golden file, by the golden density of another table."""

    def __init__(self, golden: ModuleType, seed: int) -> None:
        self.golden, self.density_of = golden, golden.golden_density
        self.density: Density = self.density_of.golden_density(seed, self.density_of.event_table(seed))

    def table(self, seed: int, events: int) -> dict[str, Any]:
        found: dict[str, Any] = self.density_of.event_table(seed, events)
        return found

    def write(self, path: Path, seed: int, events: int) -> Path:
        """As a TTree with counters."""
        written: Path = self.golden.write_tree(path, self.table(seed, events))
        return written

    def write_ntuple(self, path: Path, seed: int, events: int, **more: Any) -> Path:
        """With a column for each part of a record, and others."""
        columns = dict(more)
        for name, values in self.table(seed, events).items():
            is_record = isinstance(values, ak.Array) and bool(ak.fields(values))
            columns |= {f"{name}_{field}": values[field] for field in values.fields} if is_record else {name: values}
        written: Path = self.golden.write_ntuple(path, columns)
        return written

    def model(self, source: Path) -> Model:
        model: Model = self.golden.learned_model(self.density_of.RECIPE, source, [], self.density)
        return model


@pytest.fixture(scope="module")
def toy(golden: ModuleType) -> Toy:
    return Toy(golden, 5)


@settings(max_examples=6, phases=[Phase.generate])
@given(seed=st.integers(0, 10_000), events=st.sampled_from([0, 1, 2, 30, 150]))
def test_any_values_come_back(toy: Toy, seed: int, events: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, target = toy.write(Path(folder) / "source.root", seed, events), Path(folder) / "target.root"
        rdf.compress(source, target, toy.model(source))
        require_within(target, source)
        with aeplugin.open(target) as file:
            found = columns_of(file)
        require_same(read(target), found)


@pytest.fixture(scope="module")
def blocks(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So large in memory that the events take several blocks."""
    events = 2500
    padding = ak.to_regular(ak.Array(np.zeros((events, 8000), np.bool_)))
    return toy.write_ntuple(tmp_path_factory.mktemp("blocks") / "events.root", 3, events, padding=padding)


def test_threads_and_ranges_give_the_same(toy: Toy, blocks: Path, tmp_path: Path) -> None:
    one, two, model = tmp_path / "one.root", tmp_path / "two.root", toy.model(blocks)
    rdf.compress(blocks, one, model, threads=1)
    rdf.compress(blocks, two, model, threads=2)
    assert one.read_bytes() == two.read_bytes()
    assert CompressedFile(one).metadata[0]["blocks"] > 1
    names = [name for name in aeplugin.open(one) if name != "padding"]
    with aeplugin.open(one) as file:
        whole = file.arrays(names)
    parts = []
    for number, entries in enumerate([(0, 900), (900, 901), (901, 901), (901, 2500)]):
        parts.append(tmp_path / f"part{number}.root")
        rdf.compress(blocks, parts[-1], model, entries=entries)
        require_within(parts[-1], blocks)
        with aeplugin.open(parts[-1]) as file:
            assert ak.array_equal(file.arrays(names), whole[slice(*entries)], equal_nan=True)
    rdf.merge(parts, tmp_path / "merged.root")
    with aeplugin.open(tmp_path / "merged.root") as file:
        assert ak.array_equal(file.arrays(names), whole, equal_nan=True)
        some = file.arrays(names, entry_start=880, entry_stop=950)
        assert ak.array_equal(some, whole[880:950], equal_nan=True)


def test_parts_with_other_densities(golden: ModuleType, tmp_path: Path) -> None:
    sources, parts = [], []
    for seed in (1, 2):
        toy = Toy(golden, seed)
        sources.append(toy.write(tmp_path / f"source{seed}.root", seed, 50))
        parts.append(tmp_path / f"part{seed}.root")
        rdf.compress(sources[-1], parts[-1], toy.model(sources[-1]))
    rdf.merge(parts, tmp_path / "merged.root")
    require_within(tmp_path / "merged.root", *sources)
    metadata = CompressedFile(tmp_path / "merged.root").metadata
    assert len({bytes(part["model"]) for part in metadata}) == 2
    require_same(read(tmp_path / "merged.root"), require_readers_agree(tmp_path / "merged.root", tmp_path))


def test_the_golden_file_has_what_the_codec_has() -> None:
    """Else a change could pass unnoticed."""
    (part,) = CompressedFile(GOLDEN).metadata
    density = Model.from_bytes(bytes(part["model"])).density
    assert density is not None
    variables = density.variables
    features = [feature for variable in variables for feature in variable.features]
    assert {variable.location for variable in variables} == {"none", "formula", "direction", "previous"}
    assert len({feature.source for feature in features}) == 11
    assert len({feature.view for feature in features}) == 6
    for has in (
        lambda v: v.descending, lambda v: v.within is not None, lambda v: v.periodic, lambda v: v.shift > 0,
        lambda v: len(v.atoms) > 0, lambda v: v.range > 0, lambda v: v.kind == "exact",
        lambda v: all((layer.weights == layer.weights.astype(np.float16)).all() for layer in v.network),
    ):  # fmt: skip
        assert {bool(has(variable)) for variable in variables} == {False, True}
    special = dict(zip(part["column_names"], part["column_special"], strict=True))
    assert min(special[name] for name in ("MET_pt", "Jet_pt", "Jet_eta", "Muon_id")) > 0
    assert {"exact", "abs", "rel"} == set(part["column_tolerances"])


# what the planner makes of it

AUTO = """
collections:
  Jet:
    codec: auto
    columns:
      a: {tolerance: {abs: 0.01}}
      b: {tolerance: {abs: 0.01}}
      c: {tolerance: {abs: 0.01}}
"""
STEPS = 60.0
"""A width, in integers of the tolerance."""


def linear(weights: np.ndarray, biases: np.ndarray) -> Layer:
    return Layer(weights.astype(np.float32), biases.astype(np.float32), Activation.linear)


def auto_density(is_good: bool) -> Density:
    """Of b and c given a, which are all but equal: a narrow peak there, or one far beyond."""

    def network(weight: float, edge: float, narrowness: float) -> list[Layer]:
        weights, biases = np.zeros((19, 1)), np.zeros(19)
        weights[0], biases[0], biases[1] = weight, edge, narrowness
        return [linear(weights, biases)]

    def variable(name: str, feature: DensityFeature, *about: float) -> DensityVariable:
        given = about if is_good else (0.0, -20.0, 4.0)
        return DensityVariable("Jet", name, f"Jet_{name}", "abs", 0.01, first=-300, range=601, spread=STEPS,
                               features=[feature], network=network(*given))  # fmt: skip

    counts = DensityVariable("Jet", "", "", features=[DensityFeature("index")], atoms=[0, 1, 2, 3],
                             network=[linear(np.zeros((4, 1)), np.zeros(4))])  # fmt: skip
    near = DensityFeature("own", "linear", 1, factor=1 / STEPS)
    return Density([
        counts,
        variable("a", DensityFeature("index"), 0.0, 0.0, 0.7),
        variable("b", near, 1.0, 0.0, 4.5),
        variable("c", near, 1.0, 0.0, 4.5),
    ])  # fmt: skip


def auto_network(is_good: bool) -> CollectionModel:
    """The mean of all three, or nothing."""
    columns = [ModelColumn(name, f"Jet_{name}", Transform.linear, 0.0, 1.0) for name in "abc"]
    weight = 1.0 if is_good else 0.0
    encoder = linear(np.full((1, 3), weight / 3), np.zeros(1))
    decoder = linear(np.full((3, 1), weight), np.zeros(3))
    return CollectionModel("Jet", columns, [encoder], [decoder])


@pytest.mark.parametrize(
    ("network", "density", "expected"),
    [
        (None, True, "autoregressive"),
        (False, True, "autoregressive"),
        (True, False, "autoencoder"),
        (False, False, "plain"),
        (None, False, "plain"),
    ],
)
def test_auto_takes_the_fewest_bits(network: bool | None, density: bool, expected: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 4, 3000)
    x = rng.normal(0, 1, counts.sum())
    columns = {f"Jet_{name}": x + rng.normal(0, 0.004, len(x)) for name in "abc"}
    source, target = tmp_path / "source.root", tmp_path / "target.root"
    with uproot.recreate(source) as file:
        file.mkrntuple(
            TABLE, {name: ak.unflatten(values.astype(np.float32), counts) for name, values in columns.items()}
        )
    networks = [] if network is None else [auto_network(network)]
    learned = Model("", {"collections": [], "dropped": []}, "{}", networks, auto_density(density))
    rdf.compress(source, target, compile_recipe(Recipe.from_text(AUTO), source, networks=learned))
    assert codecs_of(target) == {"Jet": expected}
    require_within(target, source)
