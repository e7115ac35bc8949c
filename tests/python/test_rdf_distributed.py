"""Distributed RDataFrames: the results of a dask cluster are those of one process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import aeplugin
from aeplugin import Model, Recipe, _core, distributed, glue, rdf
from aeplugin.errors import CompatibilityError, InputError, ModelError

dask_distributed = pytest.importorskip("dask.distributed", reason="needs dask", exc_type=ImportError)

# What dask and ROOT warn of is theirs.
pytestmark = pytest.mark.filterwarnings("default")

VARIABLES = ("E", "pt", "eta", "phi")
BINS = ("h", "h", 60, 0, 1.2e6)


def new_client(workers: int, **environment: str) -> Any:
    cluster = dask_distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=":0", env=environment
    )
    return dask_distributed.Client(cluster)


def close(client: Any) -> None:
    cluster = client.cluster
    client.close()
    cluster.close()


@pytest.fixture(scope="module")
def client(root: Any) -> Iterator[Any]:
    client = new_client(2)
    yield client
    close(client)


@pytest.fixture(scope="module")
def files(events_file: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three compressed files: one of several blocks, one that was merged, one without events."""
    folder = tmp_path_factory.mktemp("files")
    recipe = Recipe.from_file("darkmachines-jets")
    events = uproot.open(events_file)["events"].arrays()
    rdf.write_table(folder / "many.root", [ak.concatenate(40 * [events])])
    rdf.compress(folder / "many.root", folder / "many.compressed.root", recipe)
    assert len(uproot.open(folder / "many.compressed.root")["aeplugin_blocks"]["events"].array()) > 2
    for i, entries in enumerate([(0, 900), (900, 3000), (0, 0)]):
        rdf.compress(folder / "many.root", folder / f"{i}.root", recipe, entries=entries)
    rdf.merge([folder / "0.root", folder / "1.root"], folder / "merged.root")
    return [folder / name for name in ("many.compressed.root", "merged.root", "2.root")]


def results(frame: Any) -> dict[str, Any]:
    """Counts and histograms, which are compared exactly, and sums, which depend on the order of the events."""
    frame = frame.Define("leading", "Jet_pt.size() > 0 ? Max(Jet_pt) : 0.f")
    booked = {
        "events": frame.Count(),
        "jets": frame.Histo1D(BINS, "Jet_pt"),
        "chosen": frame.Filter("leading > 200000").Histo1D(BINS, "MET_pt"),
        "largest": frame.Max("leading"),
        "sum": frame.Sum("leading"),
        "mean": frame.Mean("MET_pt"),
    }
    found = {name: result.GetValue() for name, result in booked.items()}
    for name in ("jets", "chosen"):
        found[name] = [found[name].GetBinContent(i) for i in range(BINS[2] + 2)]
    return found


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name in ("events", "jets", "chosen", "largest"):
        assert found[name] == expected[name], name
    for name in ("sum", "mean"):
        assert found[name] == pytest.approx(expected[name], rel=1e-12)


@pytest.mark.parametrize("npartitions", [None, 1, 7])
def test_compressed_files(files: list[Path], client: Any, root: Any, npartitions: int | None) -> None:
    sequential = results(rdf.open(files))
    assert sequential["events"] == 123_000
    assert sum(sequential["chosen"]) > 0
    root.EnableImplicitMT(2)
    try:
        same(results(rdf.open(files)), sequential)
    finally:
        root.DisableImplicitMT()
    same(results(distributed.open(files, client, npartitions=npartitions)), sequential)


@pytest.mark.parametrize(("files", "number"), [(1, 1), (1, 5), (3, 187), (5, 2), (7, 7)])
def test_partitions_are_all_of_the_files(files: int, number: int) -> None:
    names = [f"{i}.root" for i in range(files)]
    head = SimpleNamespace(exec_id=SimpleNamespace(graph_uuid="x"), npartitions=number)
    at = Fraction(0)
    for part in distributed._partitions(head, names, "events"):
        first = names.index(part.filenames[0])
        assert part.filenames == names[first : first + len(part.filenames)]
        assert first + part.first_tree_start_perc == at
        at = first + len(part.filenames) - 1 + part.last_tree_end_perc
        assert 0 <= part.first_tree_start_perc < 1
        assert 0 < part.last_tree_end_perc <= 1
    assert at == files


def test_the_values_are_those_of_the_core(files: list[Path], client: Any) -> None:
    found = distributed.open(files[1], client, npartitions=3).AsNumpy(["event", "Jet_pt"])
    expected = aeplugin.open(files[1]).arrays(["event", "Jet_pt"])
    assert list(found["event"]) == expected.event.to_list()
    assert (
        np.concatenate([np.asarray(v) for v in found["Jet_pt"]]).tobytes()
        == ak.to_numpy(ak.flatten(expected.Jet_pt)).tobytes()
    )


def by_event(frame: Any, names: list[str]) -> dict[str, np.ndarray]:
    found = frame.AsNumpy(["event", *names])
    order = np.argsort(found["event"])
    return {name: np.concatenate([np.atleast_1d(np.asarray(found[name][i])) for i in order]) for name in names}


@pytest.mark.parametrize("kind", ["RNTuple", "TTree", "compressed"])
def test_steps_with_models(
    events_file: Path, files: list[Path], jets_model: Path, client: Any, root: Any, tmp_path: Path, kind: str
) -> None:
    source = files[1]
    if kind == "compressed":
        frame = distributed.open(source, client, npartitions=2)
        events = aeplugin.open(source).arrays()
    else:
        source = tmp_path / "events.root"
        rdf.convert_table(events_file, source, ttree=kind == "TTree")
        distributed.distribute(client)
        frame = root.RDataFrame("events", str(source), executor=client, npartitions=2)
        events = uproot.open(events_file)["events"].arrays()
    frame = distributed.define_reconstructed(frame, jets_model, client)
    frame = distributed.define_latents(frame, jets_model, client, "Jet")
    frame = distributed.define_decoded(frame, Model.from_file(str(jets_model)), client, suffix="_back")
    frame = distributed.define_scores(frame, jets_model, client)
    steps = [f"Jet_{v}{suffix}" for suffix in ("_reco", "_back") for v in VARIABLES]
    found = by_event(frame, [*steps, "Jet_score", "Jet_event_score"])

    events = events[np.argsort(events.event)]
    autoencoder = aeplugin.Autoencoder.open(str(jets_model))
    jets = np.stack([ak.to_numpy(ak.flatten(events[f"Jet_{v}"])) for v in VARIABLES], axis=1)
    decoded = autoencoder.decoder(autoencoder.encoder(jets))
    for i, variable in enumerate(VARIABLES):
        assert found[f"Jet_{variable}_reco"].tobytes() == decoded[:, i].tobytes()
        assert found[f"Jet_{variable}_back"].tobytes() == decoded[:, i].tobytes()
    errors = autoencoder.reconstruction_errors(jets)
    assert found["Jet_score"].tobytes() == errors.tobytes()
    scores = _core.event_scores(errors, ak.to_numpy(ak.num(events.Jet_pt)))
    assert found["Jet_event_score"].astype(np.float32).tobytes() == scores.tobytes()


def test_expressions_with_the_headers(events_file: Path, client: Any, root: Any) -> None:
    distributed.distribute(client)
    frame = root.RDataFrame("events", str(events_file), executor=client, npartitions=2)
    total = frame.Define("n", "aeplugin::rdf::Pack(Jet_pt, Jet_eta)[1].size()").Sum("n").GetValue()
    assert total == ak.sum(ak.num(uproot.open(events_file)["events"]["Jet_pt"].array()))


def test_workers_without_the_compiled_library(files: list[Path], tmp_path: Path, root: Any) -> None:
    """One has aeplugin and an empty cache, one that joins later has no aeplugin at all."""
    client = new_client(1, AEPLUGIN_CACHE=str(tmp_path / "cache"))
    try:
        expected = results(rdf.open(files))
        same(results(distributed.open(files, client, npartitions=3)), expected)
        (library,) = (tmp_path / "cache").rglob("*.so")
        assert library.read_bytes() == glue.library("root").read_bytes()
        without = """
import sys
def dask_setup(worker):
    sys.modules["aeplugin"] = None
"""
        (tmp_path / "without.py").write_text(without)
        before = set(client.scheduler_info()["workers"])
        other = dask_distributed.Nanny  # a worker like one that a batch system starts
        spec = {"cls": other, "options": {"nthreads": 1, "preload": [str(tmp_path / "without.py")]}}
        client.cluster.worker_spec["later"] = spec
        client.cluster.sync(client.cluster._correct_state)
        client.wait_for_workers(2, timeout=60)
        (later,) = set(client.scheduler_info()["workers"]) - before
        imports = client.run(lambda: "aeplugin.rdf" in sys.modules, workers=[later])
        assert imports == {later: False}
        client.retire_workers(list(before))
        same(results(distributed.open(files, client, npartitions=3)), expected)
        loaded = client.run(lambda: "aeplugin.rdf" in sys.modules, workers=[later])
        assert loaded == {later: False}
    finally:
        close(client)


def test_what_cannot_be_opened(files: list[Path], events_file: Path, client: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name one compressed file or more"):
        distributed.open([], client)
    with pytest.raises(InputError, match=r"nothing\.root"):
        distributed.open(tmp_path / "nothing.root", client)
    with pytest.raises(CompatibilityError, match="not a compressed file"):
        distributed.open(events_file, client)
    cut = tmp_path / "cut.root"
    cut.write_bytes(files[0].read_bytes()[:-5000])
    with pytest.raises(Exception, match=r"cut\.root"):
        distributed.open([files[1], cut], client).Count().GetValue()
    frame = distributed.open(files[1], client)
    model = Model("", {"collections": [], "dropped": []})
    with pytest.raises(ModelError, match="no collection"):
        distributed.define_scores(frame, model, client)
