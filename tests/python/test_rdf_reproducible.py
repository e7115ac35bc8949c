"""Outputs have the same bytes for the same input: whatever the time, the name, the threads, the process's past."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import awkward as ak
import pytest
import uproot

from aeplugin import Model, Recipe, rdf
from aeplugin.compilation import compile_recipe, with_codec

Write = Callable[[Path, int], object]


def written_twice(write: Write, folder: Path) -> Path:
    """Two outputs of `write(path, threads)`, under names of different lengths, a second apart; they must be equal."""
    (folder / "another folder").mkdir()
    first, second = folder / "a.root", folder / "another folder" / "a much longer name.root"
    write(first, 1)
    time.sleep(1.1)  # the times in ROOT files count seconds
    write(second, 2)
    assert first.read_bytes() == second.read_bytes()
    return first


def uuid(path: Path) -> str:
    """The identity that coffea knows a file by."""
    with uproot.open(path) as file:
        found = str(file.file.uuid)
    assert found[14] == "8"  # a UUID of version 8: made from content
    return found


@pytest.fixture(scope="module")
def many_events(events_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many events that they make several blocks."""
    path = tmp_path_factory.mktemp("many") / "many.root"
    events = uproot.open(events_file)["events"].arrays()
    with uproot.recreate(path) as file:
        file.mkrntuple("events", ak.concatenate(50 * [events]))
    return path


@pytest.fixture(scope="module")
def compressed(many_events: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compressed") / "compressed.root"
    rdf.compress(many_events, path, Recipe.from_file("darkmachines-jets"))
    assert len(uproot.open(path)["aeplugin_blocks"]["events"].array()) > 1
    return path


@pytest.mark.parametrize("ttree", [False, True])
def test_convert(data: Path, tmp_path: Path, ttree: bool) -> None:
    def convert(path: Path, threads: int) -> None:
        rdf.convert(data / "ttbar.csv.gz", path, ttree=ttree, threads=threads)

    written_twice(convert, tmp_path)


@pytest.mark.parametrize("codec", ["plain", "autoencoder"])
def test_compress(many_events: Path, jets_model: Path, tmp_path: Path, codec: str) -> None:
    recipe = with_codec(Recipe.from_file("darkmachines-jets"), codec)  # type: ignore[arg-type]
    model = compile_recipe(recipe, many_events, networks=Model.from_file(str(jets_model)))
    written_twice(lambda path, threads: rdf.compress(many_events, path, model, threads=threads), tmp_path)


@pytest.mark.parametrize("ttree", [False, True])
def test_decompress(compressed: Path, tmp_path: Path, ttree: bool) -> None:
    written_twice(lambda path, threads: rdf.decompress(compressed, path, ttree=ttree, threads=threads), tmp_path)


def test_merge(compressed: Path, tmp_path: Path) -> None:
    written_twice(lambda path, _: rdf.merge([compressed, compressed], path), tmp_path)


def test_tables(many_events: Path, tmp_path: Path) -> None:
    events = uproot.open(many_events)["events"].arrays()
    written_twice(lambda path, _: rdf.write_table(path, [events[:100], events[100:]]), tmp_path)


def test_other_content_has_another_identity(events_file: Path, tmp_path: Path) -> None:
    recipe = Recipe.from_file("darkmachines-jets")
    found = set()
    for count, entries in enumerate([(0, 1000), (1, 1001), (0, 1000)]):
        rdf.compress(events_file, tmp_path / f"{count}.root", recipe, entries=entries)
        found.add(uuid(tmp_path / f"{count}.root"))
        rdf.decompress(tmp_path / f"{count}.root", tmp_path / f"{count}.plain.root")
        found.add(uuid(tmp_path / f"{count}.plain.root"))
    assert len(found) == 4
    root = rdf.load()
    file = root.TFile.Open(str(tmp_path / "0.root"))
    assert file.GetUUID().AsString() == uuid(tmp_path / "0.root")
    file.Close()


PAST = """
import array
import uproot
with uproot.recreate(sys.argv[3] + ".uproot") as file:
    file.mktree("t", {"numbers": "var * float32"}).extend({"numbers": [[1.0], []]})
rdf.convert_table(sys.argv[3] + ".uproot", sys.argv[3] + ".again", ttree=True)
ROOT = rdf.load()
file = ROOT.TFile(sys.argv[3] + ".past", "RECREATE")
file.WriteTObject(ROOT.TObjString("x"), "text")
file.WriteTObject(ROOT.TH1D("h", "h", 3, 0, 1), "h")
tree = ROOT.TTree("t", "t")
numbers = ROOT.std.vector("int")()
tree.Branch("numbers", numbers)
tree.Branch("a", array.array("i", [3]), "a/I")
tree.Fill()
tree.Write()
file.Close()
ROOT.EnableImplicitMT(2)
rdf.verify(sys.argv[2])
rdf.convert_table(sys.argv[2], sys.argv[3] + ".copy", ttree=True)
"""
WORK = """
rdf.compress(sys.argv[1], sys.argv[3] + ".0", Recipe.from_file("darkmachines-jets"))
rdf.decompress(sys.argv[2], sys.argv[3] + ".1")
rdf.decompress(sys.argv[2], sys.argv[3] + ".2", ttree=True)
"""


def test_the_past_of_a_process_leaves_no_trace(compressed: Path, events_file: Path, tmp_path: Path) -> None:
    """ROOT describes classes in the order in which a process has met them, as the first file that it read did."""
    tree = tmp_path / "tree.root"
    rdf.convert_table(events_file, tree, ttree=True)
    sums = set()
    for name, before in (("clean", ""), ("past", PAST)):
        code = f"import sys\nfrom aeplugin import Recipe, rdf\n{before}{WORK}"
        command = [sys.executable, "-c", code, tree, compressed, tmp_path / name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        sums.add(tuple(hashlib.md5((tmp_path / f"{name}.{i}").read_bytes()).hexdigest() for i in range(3)))
    assert len(sums) == 1
