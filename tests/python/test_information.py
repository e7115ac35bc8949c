"""Bits of events by a density: the core against the compressor's streams, files and RDataFrame against the core."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from click.testing import CliRunner

from aeplugin import Model, _core, rdf
from aeplugin._core import (
    Activation,
    Density,
    DensityFeature,
    DensityVariable,
    EventInformation,
    Layer,
    Quantiser,
    density_encode,
)
from aeplugin.cli import main
from aeplugin.errors import InputError, ModelError, RecipeError
from aeplugin.files import iterate_groups
from aeplugin.information import EventBits
from aeplugin.readers import Objects
from aeplugin.scores import score_file

REL, ABS = 0.02, 0.01


def variable(group: str, name: str, kind: str, features: list[DensityFeature], **shape: Any) -> DensityVariable:
    """A variable with an untrained network of random weights."""
    rng = np.random.default_rng(len(group + name))
    column = {"": "", "MET_pt": "MET_pt"}.get(name, f"{group}_{name}")

    def make(network: list[Layer]) -> DensityVariable:
        tolerance = {"exact": 0.0, "rel": REL, "abs": ABS}[kind]
        return DensityVariable(group, name, column, kind, tolerance, features=features, network=network, **shape)

    widths = [len(features), 8, make([]).outputs(slices=16)]
    layers = [
        Layer(
            rng.normal(0, 0.5, (outputs, inputs)).astype(np.float32),
            rng.normal(0, 0.5, outputs).astype(np.float32),
            activation,
        )
        for inputs, outputs, activation in zip(widths, widths[1:], [Activation.relu, Activation.linear], strict=False)
    ]
    return make(layers)


def toy_density() -> Density:
    """MET_pt; the number of jets; kind, pt and eta of jets."""
    momentum: dict[str, Any] = {"first": 2100, "range": 700, "middle": 2400.0, "spread": 30.0}
    index, back = DensityFeature("index"), DensityFeature("back", "linear", 3, 1, 0, 0.001)
    return Density(
        [
            variable("MET_pt", "MET_pt", "rel", [index], **momentum),
            variable("Jet", "", "exact", [DensityFeature("event", "linear", 0, 0, 0, 0.001)], atoms=[0, 1, 2, 3, 4]),
            variable("Jet", "kind", "exact", [index], atoms=[-1, 0, 1]),
            variable("Jet", "pt", "rel", [index, DensityFeature("own", "equals", 2), back], **momentum),
            variable("Jet", "eta", "abs", [back], first=-300, range=600, spread=70.0),
        ]
    )


@pytest.fixture
def model(make_model: Callable[..., Model]) -> Model:
    """A density, and a network of jets."""
    rules = {"collections": [], "dropped": []}
    return Model("", rules, "{}", make_model(hidden=(6,), latents=1).collections, toy_density())


def events(number: int, seed: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 5, number)
    jets = int(counts.sum())
    columns = {
        "pt": rng.lognormal(9, 1, jets).astype(np.float32),
        "eta": rng.normal(0, 0.8, jets).astype(np.float32),
        "phi": rng.uniform(-3, 3, jets).astype(np.float32),
        "kind": rng.choice(np.array([-1, 0, 1], np.int8), jets),
    }
    made = {f"Jet_{name}": ak.unflatten(values, counts) for name, values in columns.items()}
    return {"MET_pt": rng.lognormal(9, 1, number).astype(np.float32), **made}


def block_of(columns: dict[str, Any]) -> dict[str, Objects]:
    """What `EventBits` counts."""
    number = len(columns["MET_pt"])
    jets = {name: ak.to_numpy(ak.flatten(columns[name])) for name in ("Jet_kind", "Jet_pt", "Jet_eta")}
    return {
        "MET_pt": Objects(np.ones(number, np.int64), {"MET_pt": np.asarray(columns["MET_pt"])}),
        "Jet": Objects(ak.to_numpy(ak.num(columns["Jet_pt"])), jets),
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "events.root"
    with uproot.recreate(path) as made:
        made.mkrntuple("events", events(700))
    return path


def test_bits_are_those_of_streams(model: Model) -> None:
    block = block_of(events(3000))
    bits, of_objects = EventBits(model).count(block)
    assert bits.dtype == of_objects["Jet"].dtype == np.float64
    jets, met = block["Jet"], block["MET_pt"].columns["MET_pt"]

    def grid(values: np.ndarray, kind: str) -> np.ndarray:
        return np.asarray(Quantiser(kind, {"rel": REL, "abs": ABS}[kind], "float32").encode(values)[0])

    grids = [
        grid(met, "rel"),
        jets.counts.astype(np.int32),
        jets.columns["Jet_kind"].astype(np.int32),
        grid(jets.columns["Jet_pt"], "rel"),
        grid(jets.columns["Jet_eta"], "abs"),
    ]
    streams = density_encode(model.density, grids)  # type: ignore[arg-type]
    written = sum(len(content) + escapes.nbytes for content, escapes in streams)
    assert written - 64 * len(streams) < 1.01 * bits.sum() / 8
    assert bits.sum() / 8 < 1.01 * written
    sums = np.bincount(np.repeat(np.arange(3000), jets.counts), of_objects["Jet"], minlength=3000)
    assert (bits > sums).all()


def test_same_bits_in_blocks_and_on_every_instruction_set(model: Model) -> None:
    columns = events(400)
    counter = EventBits(model)
    bits, of_objects = counter.count(block_of(columns))
    for size in (1, 9, 150):
        parts = [
            counter.count(block_of({name: values[i : i + size] for name, values in columns.items()}))
            for i in range(0, 400, size)
        ]
        assert np.concatenate([part[0] for part in parts]).tobytes() == bits.tobytes()
        assert np.concatenate([part[1]["Jet"] for part in parts]).tobytes() == of_objects["Jet"].tobytes()
    jets = block_of(columns)["Jet"]
    offsets = [np.concatenate([[0], np.cumsum(jets.counts)]).astype(np.uint64)]
    given = [(np.asarray(columns["MET_pt"]), []), *((jets.columns[f"Jet_{v}"], offsets) for v in ("kind", "pt", "eta"))]
    types = [("MET_pt", "float"), ("Jet_kind", "std::vector<char>")]
    types += [(f"Jet_{v}", "std::vector<float>") for v in ("pt", "eta")]
    for instruction_set in _core.instruction_sets():
        again = EventInformation(model, types, instruction_set).count(400, given)
        assert again[0].tobytes() == bits.tobytes()
        assert again[1]["Jet"].tobytes() == of_objects["Jet"].tobytes()


def test_types_that_do_not_fit(model: Model, make_model: Callable[..., Model]) -> None:
    with pytest.raises(ModelError, match="no density"):
        EventBits(make_model())
    counter = EventBits(model)
    assert counter.collections == ["Jet"]
    assert counter.count(counter.no_events())[0].shape == (0,)
    block = block_of(events(20))
    block["MET_pt"].columns["MET_pt"] = block["MET_pt"].columns["MET_pt"].astype(np.float64)
    with pytest.raises(ModelError, match="'MET_pt' is of type double; the model's density expects a float"):
        counter.count(block)
    block = block_of(events(20))
    block["Jet"].columns["Jet_eta"] = block["Jet"].columns["Jet_eta"][1:]
    with pytest.raises(InputError, match="column 'Jet_eta' has offsets"):
        counter.count(block)
    core = EventInformation(model, [(name, "float") for name in ("MET_pt",)] + [
        ("Jet_kind", "std::vector<int>"), ("Jet_pt", "std::vector<float>"), ("Jet_eta", "std::vector<float>")
    ])  # fmt: skip
    with pytest.raises(InputError, match="'MET_pt' is of type float; got an array of float64"):
        core.count(1, [(np.ones(1), [])])
    with pytest.raises(InputError, match="a block has 1 columns"):
        core.count(1, [(np.ones(1, np.float32), [])])
    with pytest.raises(RecipeError, match="no column 'Jet_eta'"):
        EventInformation(
            model, [("MET_pt", "float"), ("Jet_kind", "std::vector<int>"), ("Jet_pt", "std::vector<float>")]
        )


def test_scores_of_a_file(model: Model, file: Path, tmp_path: Path) -> None:
    fractions: list[float] = []
    assert score_file(file, model, tmp_path / "scores.root", progress=fractions.append) == 700
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    scores = uproot.open(tmp_path / "scores.root")["scores"].arrays()
    assert set(scores.fields) == {"Jet_score", "Jet_event_score", "Jet_bits", "event_bits"}
    counter = EventBits(model)
    (block,) = iterate_groups(file, counter.groups)
    bits, of_objects = counter.count(block)
    assert ak.to_numpy(scores.event_bits).tobytes() == bits.astype(np.float32).tobytes()
    assert ak.to_numpy(ak.flatten(scores.Jet_bits)).tobytes() == of_objects["Jet"].astype(np.float32).tobytes()
    assert ak.num(scores.Jet_bits).tolist() == block["Jet"].counts.tolist()


def test_columns_beside_scores(model: Model, file: Path, tmp_path: Path) -> None:
    score_file(file, model, tmp_path / "scores.root", columns=["MET_pt"])
    expected = uproot.open(file)["events"]["MET_pt"].array()
    assert uproot.open(tmp_path / "scores.root")["scores"]["MET_pt"].array().tolist() == expected.tolist()
    with pytest.raises(InputError, match="'Jet_pt' has lists; expected one of one number per event"):
        score_file(file, model, tmp_path / "scores.root", columns=["Jet_pt"])
    with pytest.raises(RecipeError, match="no column 'MET_px'"):
        score_file(file, model, tmp_path / "scores.root", columns=["MET_px"])


def test_command(model: Model, file: Path, tmp_path: Path) -> None:
    model.save(str(tmp_path / "events.model"))
    arguments = ["score", str(file), "--model", str(tmp_path / "events.model"), "-o", str(tmp_path / "scores.root")]
    result = CliRunner().invoke(main, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    bits = uproot.open(tmp_path / "scores.root")["scores"]["event_bits"].array()
    assert told["events"] == 700
    assert set(told["scores"]) == {"Jet_event_score", "event_bits"}
    assert told["scores"]["event_bits"]["mean"] == pytest.approx(ak.mean(bits), rel=1e-5)
    assert told["scores"]["event_bits"]["not finite"] == 0


def test_a_file_without_events(model: Model, tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "none.root") as made:
        made.mkrntuple("events", {name: values[:0] for name, values in events(3).items()})
    assert score_file(tmp_path / "none.root", model, tmp_path / "scores.root") == 0
    assert uproot.open(tmp_path / "scores.root")["scores"]["event_bits"].array().tolist() == []


def test_coffea(model: Model, file: Path, tmp_path: Path) -> None:
    pytest.importorskip("coffea", reason="needs coffea")
    from coffea.nanoevents import BaseSchema, NanoEventsFactory

    from aeplugin.coffea import ScoreProcessor

    model.save(str(tmp_path / "events.model"))
    parts = set()
    for start, stop in ((0, 300), (300, 700)):
        where = {"dataset": "a", "filename": str(file), "treename": "events", "fileuuid": "0"}
        chunk = {"entrystart": start, "entrystop": stop}
        opened = NanoEventsFactory.from_root(
            {str(file): "events"}, entry_start=start, entry_stop=stop, schemaclass=BaseSchema, metadata=where | chunk
        )
        found = ScoreProcessor(tmp_path / "events.model", output=tmp_path / "parts").process(opened.events())["a"]
        assert found["event_bits"].sum(flow=True) == stop - start
        parts |= found["parts"]
    score_file(file, model, tmp_path / "scores.root")
    expected = uproot.open(tmp_path / "scores.root")["scores"].arrays()
    written = uproot.concatenate([f"{part.path}:scores" for part in sorted(parts, key=lambda part: part.start)])
    for name in ("event_bits", "Jet_bits", "Jet_event_score"):
        assert ak.array_equal(written[name], expected[name])


# RDataFrame


@pytest.mark.usefixtures("threads")
def test_steps_and_functors_give_what_files_of_scores_have(model: Model, file: Path, tmp_path: Path, root: Any) -> None:
    score_file(file, model, tmp_path / "scores.root")
    scores = uproot.open(tmp_path / "scores.root")["scores"].arrays()
    root.gInterpreter.Declare(
        """
        #ifndef AEPLUGIN_TEST_INFORMATION
        #define AEPLUGIN_TEST_INFORMATION
        ROOT::RDF::RNode WithBits(ROOT::RDF::RNode node, const std::string &path) {
           using ROOT::RVecF;
           using Kinds = ROOT::RVec<signed char>;
           const auto model = aeplugin::Model::FromFile(path);
           return node.Define("by_functor", aeplugin::rdf::Information<float, Kinds, RVecF, RVecF>(model),
                              aeplugin::EventInformation::Columns(model));
        }
        #endif
        """
    )
    model.save(str(tmp_path / "events.model"))
    frame = root.WithBits(root.RDF.AsRNode(root.RDataFrame("events", str(file))), str(tmp_path / "events.model"))
    found = rdf.define_information(frame, model).AsNumpy(["rdfentry_", "by_functor", "event_bits", "Jet_bits"])
    order = np.argsort(found["rdfentry_"])
    expected = ak.to_numpy(scores.event_bits).tobytes()
    assert found["event_bits"][order].astype(np.float32).tobytes() == expected
    assert found["by_functor"][order].astype(np.float32).tobytes() == expected
    of_objects = np.concatenate([np.asarray(found["Jet_bits"][i]) for i in order])
    assert of_objects.tobytes() == ak.to_numpy(ak.flatten(scores.Jet_bits)).tobytes()


def test_frames_that_do_not_fit(model: Model, make_model: Callable[..., Model], file: Path, root: Any) -> None:
    frame = root.RDataFrame("events", str(file))
    with pytest.raises(ModelError, match="no density"):
        rdf.define_information(frame, make_model())
    with pytest.raises(RecipeError, match="no column 'MET_pt' that the model needs"):
        rdf.define_information(root.RDataFrame(3).Define("x", "1."), model)
    with pytest.raises(ModelError, match="expects a float for each event"):
        rdf.define_information(frame.Redefine("MET_pt", "double(MET_pt)"), model)
