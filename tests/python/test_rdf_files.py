"""Compressed files through PyROOT: every value within its tolerance, every reader the same bits, no half files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import aeplugin
from aeplugin import Model, Recipe, rdf
from aeplugin.compilation import compile_recipe, with_codec
from aeplugin.errors import CompatibilityError, CorruptionError, InputError, ModelError, RecipeError
from aeplugin.inspection import inspect

TOLERANCES = {"Jet_E": ("rel", 0.02), "Jet_pt": ("rel", 0.02), "Jet_eta": ("abs", 0.01), "Jet_phi": ("abs", 0.01)}
FLAT = Recipe.from_text("columns: {pt: {tolerance: {rel: 0.1}}, eta: {tolerance: {abs: 0.1}}}")


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe.from_file("darkmachines-jets")


@pytest.fixture(scope="module")
def compressed_file(events_file: Path, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("compressed") / "compressed.root"
    assert rdf.compress(events_file, target, recipe) == 3000
    return target


@pytest.fixture(scope="module")
def large_file(events_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many events that compressing them takes longer than the first report of progress."""
    events = uproot.open(events_file)["events"].arrays()
    path = tmp_path_factory.mktemp("large") / "large.root"
    with uproot.recreate(path) as file:
        file.mkrntuple("events", ak.concatenate(200 * [events]))
    return path


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def flat(array: Any) -> np.ndarray:
    return ak.to_numpy(ak.flatten(array, axis=None))


def bits(array: Any) -> list[bytes]:
    return [flat(array).tobytes(), ak.to_numpy(ak.num(array)).tobytes()] if array.ndim > 1 else [flat(array).tobytes()]


def write(path: Path, table: str, columns: dict[str, Any], kind: str = "RNTuple") -> Path:
    with uproot.recreate(path) as file:
        (file.mkrntuple if kind == "RNTuple" else file.mktree)(table, columns)
    return path


# what is promised


@pytest.mark.parametrize("codec", ["plain", "autoencoder"])
def test_every_value_is_within_its_tolerance(
    events_file: Path, jets_model: Path, recipe: Recipe, tmp_path: Path, codec: Any
) -> None:
    networks = Model.from_file(str(jets_model))
    model = compile_recipe(with_codec(recipe, codec), events_file, networks=networks)
    rdf.compress(events_file, tmp_path / "c.root", model)
    rdf.decompress(tmp_path / "c.root", tmp_path / "d.root")
    before, after = (uproot.open(path)["events"].arrays() for path in (events_file, tmp_path / "d.root"))
    assert after.fields == before.fields
    assert after.type == before.type
    for name in before.fields:
        if name not in TOLERANCES:
            assert bits(after[name]) == bits(before[name])
            continue
        kind, tolerance = TOLERANCES[name]
        assert ak.all(ak.num(after[name]) == ak.num(before[name]))
        x, y = (flat(array[name]).astype(np.float64) for array in (before, after))
        assert np.all(np.abs(y - x) <= (tolerance * np.abs(x) if kind == "rel" else tolerance))
        assert np.any(x != y)
    codecs = {column.codec for column in inspect(tmp_path / "c.root").columns if column.name in TOLERANCES}
    assert codecs == {codec}
    inside = aeplugin.open(tmp_path / "c.root").model
    assert (inside is not None) == (codec == "autoencoder")


def test_special_values_are_kept(tmp_path: Path) -> None:
    nan = np.array([0x7FC12345, 0xFFC00001], np.uint32).view(np.float32)
    values = np.array([1.5, -2, 0, -0.0, np.inf, -np.inf, -999, 1e-42, 3.4e38, *nan], np.float32)
    write(tmp_path / "in.root", "t", {"x": values})
    recipe = Recipe.from_text("columns: {x: {tolerance: {rel: 0.01}, sentinels: [-999]}}")
    rdf.compress(tmp_path / "in.root", tmp_path / "c.root", recipe)
    rdf.decompress(tmp_path / "c.root", tmp_path / "d.root")
    back = uproot.open(tmp_path / "d.root")["t"]["x"].array(library="np")
    exact = [2, 3, 4, 5, 6, 9, 10]
    assert back[exact].tobytes() == values[exact].tobytes()
    assert np.all(
        np.abs(back[[0, 1, 7, 8]] - values[[0, 1, 7, 8]].astype(float)) <= 0.01 * np.abs(values[[0, 1, 7, 8]])
    )


@pytest.mark.parametrize("kind", ["RNTuple", "TTree"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_flat_columns_come_back_with_their_types(tmp_path: Path, kind: str, dtype: type) -> None:
    rng = np.random.default_rng(3)
    columns = {"pt": rng.lognormal(10, 1, 500).astype(dtype), "eta": rng.normal(size=500).astype(dtype)}
    columns["label"] = np.arange(500, dtype=np.int32)
    write(tmp_path / "flat.root", "jets", columns, kind)
    rdf.compress(tmp_path / "flat.root", tmp_path / "c.root", FLAT)
    rdf.decompress(tmp_path / "c.root", tmp_path / "d.root", ttree=kind == "TTree")
    after = uproot.open(tmp_path / "d.root")["jets"].arrays()
    assert after.fields == uproot.open(tmp_path / "flat.root")["jets"].keys()
    assert ak.to_numpy(after["pt"]).dtype == dtype
    assert np.array_equal(after["label"], columns["label"])
    assert not any(column.violations for column in rdf.verify(tmp_path / "c.root", [tmp_path / "flat.root"]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_jagged_ttree_of_an_ntuple(tmp_path: Path, dtype: type) -> None:
    """Arrays with a counter, as ATLAS and CMS ntuples have them, with an empty event."""
    counts = [2, 0, 3, 1]
    pt = ak.unflatten(np.array([50, 40, 90, 60, 30, 25], dtype) * 1000, counts)
    eta = ak.unflatten(np.linspace(-2, 2, 6).astype(dtype), counts)
    with uproot.recreate(tmp_path / "in.root") as file:
        file.mktree("nominal", {"pt": pt.type.content, "eta": eta.type.content, "run": "int32"})
        file["nominal"].extend({"pt": pt, "eta": eta, "run": np.arange(4, dtype=np.int32)})
    rdf.compress(tmp_path / "in.root", tmp_path / "c.root", FLAT)
    rdf.decompress(tmp_path / "c.root", tmp_path / "d.root", ttree=True)
    after = uproot.open(tmp_path / "d.root")["nominal"].arrays()
    assert ak.num(after["pt"]).tolist() == counts
    assert ak.to_numpy(ak.flatten(after["eta"])).dtype == dtype
    assert after["run"].tolist() == [0, 1, 2, 3]


def test_a_table_without_events(tmp_path: Path) -> None:
    write(tmp_path / "in.root", "jets", {"pt": np.ones(0, np.float32), "eta": np.ones(0, np.float32)}, "TTree")
    assert rdf.compress(tmp_path / "in.root", tmp_path / "c.root", FLAT) == 0
    assert rdf.decompress(tmp_path / "c.root", tmp_path / "d.root") == 0
    assert uproot.open(tmp_path / "d.root")["jets"].keys() == ["pt", "eta"]
    assert rdf.open(tmp_path / "c.root").Count().GetValue() == 0


@pytest.mark.parametrize("ttree", [False, True])
def test_nested_vectors(tmp_path: Path, ttree: bool) -> None:
    nested = ak.Array([[[1.0], [2.0, 3.0]], [], [[4.0]]])
    numbers = {"pt": np.ones(3, np.float32), "eta": np.ones(3, np.float32), "nested": nested}
    write(tmp_path / "in.root", "jets", numbers)
    rdf.compress(tmp_path / "in.root", tmp_path / "c.root", FLAT)
    rdf.decompress(tmp_path / "c.root", tmp_path / "d.root", ttree=ttree)
    assert uproot.open(tmp_path / "d.root")["jets"]["nested"].array().tolist() == nested.tolist()


# readers


@pytest.fixture
def two_threads(root: Any) -> Iterator[None]:
    root.EnableImplicitMT(2)
    yield
    root.DisableImplicitMT()


@pytest.mark.usefixtures("two_threads")
def test_order_is_kept_with_implicit_threads(events_file: Path, recipe: Recipe, tmp_path: Path, root: Any) -> None:
    rdf.compress(events_file, tmp_path / "c.root", recipe)
    rdf.decompress(tmp_path / "c.root", tmp_path / "d.root", ttree=True)
    before, after = (uproot.open(path)["events"]["event"].array() for path in (events_file, tmp_path / "d.root"))
    assert ak.all(before == after)
    assert root.IsImplicitMTEnabled()


def by_event(frame: Any, column: str) -> dict[int, bytes]:
    """The values of a column of vectors by event number, whatever the threads did."""
    found = frame.AsNumpy(["event", column])
    return {int(e): np.asarray(v).tobytes() for e, v in zip(found["event"], found[column], strict=True)}


@pytest.mark.parametrize("threads", [0, 2])
def test_all_readers_give_the_same_bits(compressed_file: Path, tmp_path: Path, root: Any, threads: int) -> None:
    rdf.decompress(compressed_file, tmp_path / "d.root")
    rdf.decompress(compressed_file, tmp_path / "t.root", ttree=True)
    ntuple, tree = (uproot.open(tmp_path / name)["events"].arrays() for name in ("d.root", "t.root"))
    python = aeplugin.open(compressed_file).arrays()
    assert python.fields == ntuple.fields == tree.fields
    for name in ntuple.fields:
        assert bits(python[name]) == bits(ntuple[name]) == bits(tree[name])
    if threads:
        root.EnableImplicitMT(threads)
    try:
        for name in TOLERANCES:
            direct = by_event(rdf.open(compressed_file), name)
            assert direct == by_event(root.RDataFrame("events", str(tmp_path / "d.root")), name)
    finally:
        root.DisableImplicitMT()


def test_several_files_in_a_frame(compressed_file: Path, tmp_path: Path) -> None:
    write(tmp_path / "in.root", "events", {"x": np.ones(3, np.float32)})
    rdf.compress(tmp_path / "in.root", tmp_path / "other.root", Recipe.from_text("columns: {}"))
    assert rdf.open([compressed_file, compressed_file]).Count().GetValue() == 6000
    with pytest.raises(CompatibilityError, match="other columns"):
        rdf.open([compressed_file, tmp_path / "other.root"])
    with pytest.raises(InputError, match="name one compressed file or more"):
        rdf.open([])


def test_merge_keeps_order_and_values(compressed_file: Path, events_file: Path, tmp_path: Path) -> None:
    shuffled = uproot.open(events_file)["events"].arrays()[::-1]
    write(tmp_path / "in.root", "events", dict(zip(shuffled.fields, ak.unzip(shuffled), strict=True)))
    model = Model(*model_parts(compressed_file, events_file))
    rdf.compress(tmp_path / "in.root", tmp_path / "second.root", model)
    assert rdf.merge([compressed_file, tmp_path / "second.root"], tmp_path / "m.root") == 6000
    merged = aeplugin.open(tmp_path / "m.root").arrays()
    parts = [aeplugin.open(path).arrays() for path in (compressed_file, tmp_path / "second.root")]
    for name in merged.fields:
        assert bits(merged[name]) == bits(ak.concatenate([part[name] for part in parts]))
    originals = [events_file, tmp_path / "in.root"]
    assert not any(column.violations for column in rdf.verify(tmp_path / "m.root", originals))
    assert any(column.violations for column in rdf.verify(tmp_path / "m.root", originals[::-1]))
    with pytest.raises(InputError, match="was made from 2 files; it is compared with 1"):
        rdf.verify(tmp_path / "m.root", [events_file])
    assert [part.input_name for part in inspect(tmp_path / "m.root").parts] == [events_file.name, "in.root"]


def model_parts(compressed: Path, events: Path) -> tuple[str, dict[str, Any]]:
    """Recipe and rules of a compressed file."""
    from aeplugin.recipe_resolution import to_rules

    inside = aeplugin.open(compressed).recipe
    return inside.to_text(), to_rules(inside)


def test_files_of_different_recipes_are_not_merged(compressed_file: Path, events_file: Path, tmp_path: Path) -> None:
    text = "collections: {Jet: {codec: plain, columns: {pt: {tolerance: {rel: 0.05}}}}}"
    rdf.compress(events_file, tmp_path / "c.root", Recipe.from_text(text))
    with pytest.raises(CompatibilityError, match="only files made by the same recipe can be merged"):
        rdf.merge([compressed_file, tmp_path / "c.root"], tmp_path / "m.root")
    with pytest.raises(InputError, match="is one of the inputs"):
        rdf.merge([compressed_file, tmp_path / "c.root"], tmp_path / "c.root")
    assert leftovers(tmp_path) == ["c.root"]


# options


def test_compression_of_root(events_file: Path, recipe: Recipe, tmp_path: Path) -> None:
    for algorithm, level in (("zlib", 1), ("lzma", 9), ("lz4", 4), ("zstd", 9)):
        path = tmp_path / f"{algorithm}.root"
        rdf.compress(events_file, path, recipe, compression=algorithm, level=level)  # type: ignore[arg-type]
        assert inspect(path).compression == [f"{algorithm}:{level}"]
    with pytest.raises(InputError, match=r"unknown compression 'zst'; did you mean 'zstd'\?"):
        rdf.compress(events_file, tmp_path / "c.root", recipe, compression="zst")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="got level 0 of zstd; expected 1 to 9"):
        rdf.merge([path], tmp_path / "c.root", level=0)
    assert not (tmp_path / "c.root").exists()


def test_progress_is_reported(large_file: Path, recipe: Recipe, tmp_path: Path) -> None:
    for work in (
        lambda report: rdf.compress(large_file, tmp_path / "c.root", recipe, threads=1, progress=report),
        lambda report: rdf.verify(tmp_path / "c.root", [large_file], threads=1, progress=report),
        lambda report: rdf.decompress(tmp_path / "c.root", tmp_path / "d.root", threads=1, progress=report),
    ):
        seen: list[float] = []
        work(seen.append)
        assert seen
        assert all(0 <= fraction <= 1 for fraction in seen)


def test_any_number_of_threads_gives_the_same_events(large_file: Path, recipe: Recipe, tmp_path: Path) -> None:
    for threads in (1, 3):
        rdf.compress(large_file, tmp_path / f"{threads}.root", recipe, threads=threads)
    one, three = (aeplugin.open(tmp_path / f"{threads}.root").arrays(["event", "Jet_pt"]) for threads in (1, 3))
    assert bits(one.event) == bits(three.event)
    assert bits(one.Jet_pt) == bits(three.Jet_pt)


# errors


def test_verify_finds_what_moved(compressed_file: Path, events_file: Path, tmp_path: Path) -> None:
    events = uproot.open(events_file)["events"].arrays()
    pt = flat(events.Jet_pt).copy()
    pt[17] *= 1.05
    met = ak.to_numpy(events.MET_pt).copy()
    met[2] = np.nextafter(met[2], np.float32(np.inf))
    changed = {"Jet_pt": ak.unflatten(pt, ak.num(events.Jet_pt)), "MET_pt": met}
    columns = {name: changed.get(name, events[name]) for name in events.fields}
    write(tmp_path / "changed.root", "events", columns)
    found = {column.name: column for column in rdf.verify(compressed_file, [tmp_path / "changed.root"])}
    assert {name: column.violations for name, column in found.items() if column.violations} == {
        "Jet_pt": 1,
        "MET_pt": 1,
    }
    assert "Jet_pt" in found["Jet_pt"].first
    write(tmp_path / "short.root", "events", {name: events[name][:-1] for name in events.fields})
    with pytest.raises(InputError, match="2999 events"):
        rdf.verify(compressed_file, [tmp_path / "short.root"])
    write(tmp_path / "less.root", "events", {name: events[name] for name in events.fields[:-1]})
    with pytest.raises(InputError, match="has no column"):
        rdf.verify(compressed_file, [tmp_path / "less.root"])


def test_the_input_is_never_replaced(events_file: Path, recipe: Recipe, tmp_path: Path) -> None:
    source = tmp_path / "source.root"
    source.write_bytes(events_file.read_bytes())
    (tmp_path / "link.root").symlink_to(source)
    for target in (source, tmp_path / "link.root"):
        with pytest.raises(InputError, match="is the input itself"):
            rdf.compress(source, target, recipe)
    rdf.compress(source, tmp_path / "c.root", recipe)
    with pytest.raises(InputError, match="is the input itself"):
        rdf.decompress(tmp_path / "c.root", tmp_path / "c.root")
    assert source.read_bytes() == events_file.read_bytes()
    assert leftovers(tmp_path) == ["c.root", "link.root", "source.root"]


@pytest.mark.parametrize("name", ["a#b.root", "a?b.root", "a$b.root", "a b'é.root", "events"])
def test_names_of_files(events_file: Path, recipe: Recipe, tmp_path: Path, name: str) -> None:
    assert rdf.compress(events_file, tmp_path / name, recipe) == 3000
    assert leftovers(tmp_path) == [name]


def test_errors_leave_nothing(events_file: Path, jets_model: Path, recipe: Recipe, tmp_path: Path) -> None:
    target = tmp_path / "out.root"
    with pytest.raises(InputError, match="no such file"):
        rdf.compress(tmp_path / "nowhere.root", target, jets_model)
    with pytest.raises(RecipeError, match=r"no column 'Jet_px'.*did you mean 'Jet_pt'"):
        rdf.compress(events_file, target, Recipe.from_text("columns: {Jet_px: {tolerance: {abs: 1}}}"))
    with pytest.raises(RecipeError, match="'event'"):
        rdf.compress(events_file, target, Recipe.from_text("columns: {event: {tolerance: {abs: 1}}}"))
    with pytest.raises(ModelError, match="'Jet'"):
        rdf.compress(events_file, target, with_codec(recipe, "autoencoder"))
    with pytest.raises(ModelError, match="ROOT file"):
        rdf.compress(events_file, target, events_file)
    with pytest.raises(InputError, match=r"called 'event'; did you mean 'events'\?"):
        rdf.compress(events_file, target, recipe, tree="event")
    with pytest.raises(InputError, match=r"called 'event'; did you mean 'events'\?"):
        rdf.compress(events_file, target, jets_model, tree="event")
    for function in (lambda: rdf.decompress(events_file, target), lambda: rdf.open(events_file)):
        with pytest.raises(CompatibilityError, match="not a compressed file"):
            function()
    with pytest.raises(InputError, match="not a ROOT file"):
        rdf.decompress(jets_model, target)
    assert leftovers(tmp_path) == []


def test_a_model_for_other_columns_is_refused(tmp_path: Path, jets_model: Path, recipe: Recipe) -> None:
    write(tmp_path / "in.root", "jets", {"pt": np.ones(3, np.float32), "eta": np.ones(3, np.float32)})
    with pytest.raises(RecipeError, match="Jet_"):
        rdf.compress(tmp_path / "in.root", tmp_path / "c.root", jets_model)
    with pytest.raises(ModelError, match="network for 'Jet', no collection of the recipe"):
        compile_recipe(FLAT, tmp_path / "in.root", networks=Model.from_file(str(jets_model)))


def test_networks_for_exact_columns_are_refused(events_file: Path, jets_model: Path) -> None:
    recipe = Recipe.from_text("collections: {Jet: {columns: {pt: {tolerance: {rel: 0.1}}}}}")
    with pytest.raises(ModelError, match=r"takes column 'Jet_E' as 'E'.*only pt \(Jet_pt\)"):
        compile_recipe(recipe, events_file, networks=Model.from_file(str(jets_model)))


def test_truncated_files_are_refused(compressed_file: Path, tmp_path: Path) -> None:
    whole = compressed_file.read_bytes()
    cut = tmp_path / "cut.root"
    for size in range(0, len(whole), len(whole) // 7):
        cut.write_bytes(whole[:size])
        for function in (
            lambda: rdf.decompress(cut, tmp_path / "out.root"),
            lambda: rdf.verify(cut),
            lambda: rdf.open(cut),
        ):
            with pytest.raises((InputError, CompatibilityError, CorruptionError)):
                function()
    assert leftovers(tmp_path) == ["cut.root"]


def test_newer_and_older_versions_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "newer.root", "aeplugin", {"format_version": np.array([1000], np.uint32)})
    for function in (lambda: rdf.verify(path), lambda: rdf.open(path), lambda: rdf.decompress(path, tmp_path / "d")):
        with pytest.raises(CompatibilityError, match="format version 1000"):
            function()


# crashes and full disks


def run_compress(source: Path, target: Path, before: str = "", progress: str = "None") -> Any:
    """Compress in a process of its own, by one thread."""
    code = f"""
import os, resource, signal, sys
from aeplugin import Recipe, rdf
rdf.load()
{before}
recipe = Recipe.from_file("darkmachines-jets")
rdf.compress(sys.argv[1], sys.argv[2], recipe, threads=1, progress={progress})
"""
    return subprocess.run([sys.executable, "-c", code, source, target], capture_output=True, text=True, check=False)


def test_a_kill_leaves_nothing_under_the_name(large_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "c.root"
    target.write_bytes(b"precious")
    done = run_compress(large_file, target, progress="lambda fraction: os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert target.read_bytes() == b"precious"
    target.unlink()
    run_compress(large_file, target, progress="lambda fraction: os.kill(os.getpid(), signal.SIGKILL)")
    assert not target.exists()


def test_a_limit_of_file_sizes_leaves_nothing(events_file: Path, tmp_path: Path) -> None:
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))"
    done = run_compress(events_file, tmp_path / "c.root", before=limit)
    assert done.returncode == 1
    assert "disk full" in done.stderr or "cannot" in done.stderr
    assert "*** Break ***" not in done.stderr
    assert leftovers(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False) if os.geteuid() == 0 else None
    if done is None or done.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip() if done else 'not root'}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_nothing(events_file: Path, small_disk: Path) -> None:
    done = run_compress(events_file, small_disk / "c.root")
    assert done.returncode == 1
    assert "OutputError" in done.stderr
    assert "*** Break ***" not in done.stderr
    assert leftovers(small_disk) == []


def test_real_files(shared_data: Path, tmp_path: Path) -> None:
    """The published monojet file is converted; the flat ATLAS jets, some of mass below 0, go there and back."""
    source = next((shared_data / "darkmachines").glob("*.csv"))
    assert rdf.convert(source, tmp_path / "events.root")[:2] == (4800, 0)
    rdf.compress(tmp_path / "events.root", tmp_path / "monojet.root", Recipe.from_file("darkmachines-jets"))
    atlas = shared_data / "atlas_jets" / "atlas_jets_4d_train.root"
    rdf.compress(atlas, tmp_path / "atlas.root", Recipe.from_file("atlas-jets"))
    for compressed, original in (("monojet.root", tmp_path / "events.root"), ("atlas.root", atlas)):
        columns = rdf.verify(tmp_path / compressed, [original])
        assert sum(column.values for column in columns) > 0
        assert not any(column.violations for column in columns)
    rdf.decompress(tmp_path / "atlas.root", tmp_path / "d.root", ttree=True)
    before, after = uproot.open(atlas)["jets"], uproot.open(tmp_path / "d.root")["jets"]
    assert after.keys() == before.keys()
    assert np.array_equal(after["jet_index"].array(), before["jet_index"].array())
