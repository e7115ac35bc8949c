"""Compressed files read without ROOT: the values of the decompressed file, what is read for them, and damage."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import aeplugin
from aeplugin import Model, Recipe, files, rdf
from aeplugin.compressed import CompressedFile, UnknownColumnError
from aeplugin.errors import CompatibilityError, CorruptionError, InputError
from aeplugin.readers import BLOCKS, METADATA
from aeplugin.rntuples import MAX_RATIO, Fields, stored_bytes

RECIPE = """
collections:
  Jet:
    columns:
      pt: {tolerance: {rel: 0.02}}
      eta: {tolerance: {abs: 0.01}, sentinels: [-999]}
      E: {tolerance: {rel: 0.02}}
columns:
  MET.pt: {tolerance: {rel: 0.01}}
  three: {tolerance: {abs: 0.001}}
"""
DTYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
EVENTS = 150_000
"""Enough for three blocks."""


def events(number: int, seed: int = 1) -> dict[str, Any]:
    """Columns of every type that uproot writes to an RNTuple, except that of the event's key."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(1.5, number)
    objects = int(counts.sum())
    pt, eta = rng.exponential(50, objects).astype("f4"), rng.normal(0, 2, objects).astype("f4")
    energy = (pt * np.cosh(eta)).astype("f4")
    eta[::50], energy[::70] = -999, np.nan
    special = np.array([0, -0.0, np.nan, np.inf, -np.inf, 1e-45, 3.4e38], "f4")
    jets = {"pt": pt, "eta": eta, "E": energy, "id": rng.integers(-5, 5, objects), "tag": rng.random(objects) < 0.5}
    columns: dict[str, Any] = {f"Jet_{name}": ak.unflatten(values, counts) for name, values in jets.items()}
    columns["MET_pt"] = rng.exponential(30, number).astype("f4")
    columns["MET_pt"][: len(special)] = special[:number]
    columns["three"] = ak.to_regular(ak.Array(rng.random((number, 3)).astype("f4")))
    columns["three_kept"] = ak.to_regular(ak.Array(rng.integers(0, 9, (number, 3))))
    columns["flag"] = rng.random(number) < 0.3
    columns["nothing"] = ak.unflatten(np.empty(0, "f4"), np.zeros(number, int))
    for dtype in DTYPES:
        columns[dtype] = (rng.random(number) * 100).astype(dtype)
    # Few different texts: what is tested is where each begins.
    texts = ak.Array(["", "a", "bc", "\N{GREEK SMALL LETTER ETA}", "longer than that"])
    columns["text"] = texts[rng.integers(0, 5, number)]
    columns["Jet_texts"] = ak.unflatten(texts[rng.integers(0, 5, objects)], counts)
    pairs = ak.unflatten(pt[: objects // 2 * 2].astype("f8"), np.full(objects // 2, 2))
    columns["deep"] = ak.unflatten(pairs, _split(objects // 2, number))
    return columns


def _split(objects: int, number: int) -> np.ndarray:
    """Counts of `number` lists that hold so many objects."""
    return np.diff(np.linspace(0, objects, number + 1).astype(int))


def recipe(*, dotted: bool = False) -> Recipe:
    return Recipe.from_text(RECIPE if dotted else RECIPE.replace("MET.pt", "MET_pt"))


def write(path: Path, columns: dict[str, Any]) -> Path:
    with uproot.recreate(path) as file:
        file.mkrntuple("events", columns)
    return path


def write_tree(path: Path, number: int) -> Path:
    """A TTree: names with dots, C arrays whose length is another column."""
    columns = {
        name: values for name, values in events(number).items() if name in ("three", "three_kept", "flag", *DTYPES)
    }
    columns |= {name: ak.to_numpy(columns[name]) for name in ("three", "three_kept")}
    columns["MET.pt"] = events(number)["MET_pt"]
    columns["Jet"] = ak.zip({name: events(number)[f"Jet_{name}"] for name in ("pt", "eta", "E", "id", "tag")})
    with uproot.recreate(path) as file:
        file.mktree("events", {name: ak.type(ak.Array(values)).content for name, values in columns.items()})
        if number:
            file["events"].extend(columns)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("open")


@pytest.fixture(scope="module")
def compressed(folder: Path) -> Path:
    """A compressed file of several blocks, with its decompressed one beside it."""
    rdf.compress(write(folder / "all.root", events(EVENTS)), folder / "all.c.root", recipe())
    rdf.decompress(folder / "all.c.root", folder / "all.d.root")
    return folder / "all.c.root"


@pytest.fixture(scope="module")
def small(folder: Path) -> Path:
    """A small one, to be damaged."""
    rdf.compress(write(folder / "small.root", events(200, seed=2)), folder / "small.c.root", recipe())
    rdf.decompress(folder / "small.c.root", folder / "small.d.root")
    return folder / "small.c.root"


@pytest.fixture(scope="module")
def merged(folder: Path, small: Path) -> Path:
    rdf.compress(write(folder / "other.root", events(99, seed=3)), folder / "other.c.root", recipe())
    rdf.merge([small, folder / "other.c.root", small], folder / "merged.c.root")
    rdf.decompress(folder / "merged.c.root", folder / "merged.d.root")
    return folder / "merged.c.root"


def decompressed(path: Path) -> ak.Array:
    return uproot.open(path.with_name(path.name.replace(".c.", ".d.")))["events"].arrays()


def buffers(array: ak.Array) -> dict[str, bytes]:
    """All the numbers of an array, to compare them bit by bit."""
    return {key: value.tobytes() for key, value in ak.to_buffers(ak.to_packed(array))[2].items()}


def assert_same(found: ak.Array, expected: ak.Array) -> None:
    assert set(found.fields) == set(expected.fields)
    for name in found.fields:
        assert found[name].type == expected[name].type, name
        assert buffers(found[name]) == buffers(expected[name]), name


def without_dots(array: ak.Array) -> ak.Array:
    """The same records with names that an RNTuple can have."""
    return ak.zip({name.replace(".", "_"): array[name] for name in array.fields}, depth_limit=1)


@pytest.fixture
def file(compressed: Path) -> Iterator[CompressedFile]:
    with aeplugin.open(compressed) as opened:
        yield opened


def test_values_are_those_of_the_decompressed_file(file: CompressedFile, compressed: Path) -> None:
    expected = decompressed(compressed)
    assert len(list(file.iterate(["flag"]))) >= 3
    assert_same(file.arrays(), expected)
    assert file.arrays().fields == file.keys() == expected.fields
    assert_same(ak.concatenate(list(file.iterate())), expected)
    for name in ("Jet_eta", "text", "three", "three_kept", "nothing"):
        assert buffers(file[name]) == buffers(expected[name])


def test_what_a_tree_has_comes_back(folder: Path) -> None:
    rdf.compress(write_tree(folder / "tree.root", 300), folder / "tree.c.root", recipe(dotted=True))
    rdf.decompress(folder / "tree.c.root", folder / "tree.d.root")
    expected = decompressed(folder / "tree.c.root")
    with aeplugin.open(folder / "tree.c.root") as file:
        assert "MET.pt" in file
        assert file["MET.pt"].ndim == 1
        assert_same(without_dots(file.arrays()), expected)
        assert file.typenames()["Jet_pt"] == "float[nJet]"


def test_what_a_file_says_about_itself(file: CompressedFile, folder: Path) -> None:
    original = folder / "all.root"
    assert (file.num_entries, file.table, file.model) == (EVENTS, "events", None)
    assert file.typenames()["Jet_pt"] == "std::vector<float>"
    assert list(file.typenames()) == file.keys() == list(file) == uproot.open(original)["events"].keys(recursive=False)
    assert set(file.keys()) == set(events(3))
    assert "Jet_pt" in file
    assert "Jet_ptt" not in file
    assert file.recipe == recipe().resolve(file.typenames())
    assert files.recipe_of(folder / "all.c.root") == files.recipe_of(folder / "all.d.root") == file.recipe
    assert files.recipe_of(original) is None
    (part,) = file.metadata
    assert (part["input_name"], part["input_bytes"]) == (original.name, original.stat().st_size)
    assert part["column_names"] == file.keys()
    assert part["model"] == b""
    assert repr(file).endswith(f"{EVENTS} events, {len(file.keys())} columns>")


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        *[(None, None), (0, 0), (5, 5), (9, 5), (0, 1), (70_000, 140_001), (-10, None), (None, -10), (-5, -2)],
        *[(-(10**9), 10**9), (EVENTS, None), (EVENTS - 1, EVENTS + 9)],
    ],
)
def test_ranges_are_those_of_slices(file: CompressedFile, start: int | None, stop: int | None) -> None:
    columns = ["Jet_pt", "MET_pt", "text", "three_kept", "flag"]
    first, last, _ = slice(start, stop).indices(EVENTS)
    expected = file.arrays(columns)[first : max(first, last)]
    assert_same(file.arrays(columns, start, stop), expected)
    parts = list(file.iterate(columns, entry_start=start, entry_stop=stop))
    assert sum(map(len, parts)) == len(expected)
    assert all(len(part) for part in parts)
    if parts:
        assert_same(ak.concatenate(parts), expected)


def test_at_borders_of_blocks(file: CompressedFile) -> None:
    whole, first = file["Jet_pt"], len(next(file.iterate(["i4"])))
    for start, stop in [(first - 1, first), (first, first + 1), (first - 1, first + 1), (0, first), (first, 2 * first)]:
        assert buffers(file.arrays("Jet_pt", start, stop)["Jet_pt"]) == buffers(whole[start:stop])


def test_choice_of_columns(file: CompressedFile) -> None:
    assert file.arrays("MET_pt", entry_stop=3).fields == ["MET_pt"]
    assert file.arrays(["f8", "Jet_pt", "f8"], entry_stop=3).fields == ["f8", "Jet_pt"]
    assert file.arrays("Jet_?", entry_stop=3).fields == ["Jet_E"]
    assert file.arrays(["i?", "Jet_pt"], entry_stop=3).fields == ["i1", "i2", "i4", "i8", "Jet_pt"]
    none = file.arrays([], 3, 10)
    assert (none.fields, len(none)) == ([], 7)


def test_unknown_columns_name_the_nearest(file: CompressedFile) -> None:
    message = r"all\.c\.root: no column 'Jet_ptt'; did you mean 'Jet_pt'\?"
    for kind in (InputError, KeyError, UnknownColumnError):
        with pytest.raises(kind, match=message):
            file["Jet_ptt"]
    with pytest.raises(KeyError) as caught:
        file.arrays(["Jet_pt", "Jet_ptt"])
    assert str(caught.value).startswith(str(file._path))  # no quotes, as KeyError alone would put
    with pytest.raises(KeyError, match=r"no column matches 'Jet\*\*x'"):
        file.arrays("Jet**x")


def read_log(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """What is read from here on: field, first and last entry."""
    log: list[tuple[str, int, int]] = []
    read = Fields.read

    def logged(self: Fields, names: list[str], start: int, stop: int) -> ak.Array:
        log.extend((name, start, stop) for name in names)
        return read(self, names, start, stop)

    monkeypatch.setattr(Fields, "read", logged)
    return log


def test_only_what_is_asked_for_is_read(file: CompressedFile, monkeypatch: pytest.MonkeyPatch) -> None:
    block = len(next(file.iterate("flag")))
    log = read_log(monkeypatch)
    file.arrays(["MET_pt", "text"], block, block + 1)
    assert {name for name, start, stop in log if (start, stop) == (block, 2 * block)} == {"text"}
    stored = {name for name, start, stop in log if (start, stop) == (1, 2)}
    assert {"checksums", "special", "MET_pt"} <= stored <= {"checksums", "special", "MET_pt", "MET_pt_low"}
    assert len(log) == 1 + len(stored)
    log.clear()
    file.arrays("MET_pt", block + 5, block + 9)  # the block is still at hand
    assert log == []
    file.arrays("Jet_tag", 0, 1)
    assert [name for name, _, _ in log] == ["Jet_tag", "checksums", "special"]


def test_bytes_read(compressed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One column costs its own pages, not the file."""
    from uproot.models.RNTuple import Model_ROOT_3a3a_RNTuple as RNTuple

    total, read = 0, RNTuple.read_locator

    def counting(self: Any, locator: Any, size: int) -> Any:
        nonlocal total
        total += locator.num_bytes
        return read(self, locator, size)

    monkeypatch.setattr(RNTuple, "read_locator", counting)
    with aeplugin.open(compressed) as file:
        opening, total = total, 0
        file.arrays("f8", entry_stop=10)
        one, total = total, 0
        file.arrays()
    assert one < total / 5
    assert opening < total / 20


def test_closed(compressed: Path) -> None:
    with aeplugin.open(compressed) as file:
        jets = file["Jet_pt"]
    assert ak.sum(jets) > 0
    with pytest.raises(InputError, match="was closed"):
        file["Jet_eta"]


def test_merged_files(merged: Path, small: Path, folder: Path) -> None:
    with aeplugin.open(merged) as file, aeplugin.open(small) as first, aeplugin.open(folder / "other.c.root") as second:
        assert file.num_entries == 200 + 99 + 200
        assert [part["input_name"] for part in file.metadata] == ["small.root", "other.root", "small.root"]
        assert_same(file.arrays(), decompressed(merged))
        for start, other in ((0, first), (200, second), (299, first)):
            assert_same(file.arrays(None, start, start + other.num_entries), other.arrays())
        assert_same(file.arrays(["Jet_pt", "text"], 150, 320), file.arrays(["Jet_pt", "text"])[150:320])


def test_networks(folder: Path, events_file: Path, jets_model: Path) -> None:
    """A file whose codec is the autoencoder, merged: the model stands in the first part only."""
    model = Model.from_file(str(jets_model))
    forced = Recipe.from_text(model.recipe.replace("codec: auto", "codec: autoencoder"))
    from aeplugin.recipe_resolution import to_rules

    model = Model(forced.to_text(), to_rules(forced), model.training, model.collections)
    rdf.compress(events_file, folder / "net.c.root", model)
    rdf.merge([folder / "net.c.root"] * 2, folder / "nets.c.root")
    rdf.decompress(folder / "nets.c.root", folder / "nets.d.root")
    with aeplugin.open(folder / "nets.c.root") as file:
        assert file.metadata[0]["group_codecs"] == ["autoencoder"]
        assert [len(part["model"]) > 0 for part in file.metadata] == [True, False]
        assert file.model is not None
        assert file.model.to_bytes() == model.to_bytes()
        assert_same(file.arrays(), decompressed(folder / "nets.c.root"))
        assert_same(file.arrays("Jet_phi", 2990, 3010), file.arrays("Jet_phi")[2990:3010])


@pytest.mark.parametrize("number", [0, 1])
def test_empty_files(tmp_path: Path, number: int) -> None:
    rdf.compress(write_tree(tmp_path / "a.root", number), tmp_path / "a.c.root", recipe(dotted=True))
    rdf.decompress(tmp_path / "a.c.root", tmp_path / "a.d.root")
    with aeplugin.open(tmp_path / "a.c.root") as file:
        assert file.num_entries == number
        assert_same(without_dots(file.arrays()), decompressed(tmp_path / "a.c.root"))
        assert len(list(file.iterate())) == number


def test_nothing_kept(tmp_path: Path) -> None:
    write(tmp_path / "x.root", {"x": np.arange(50, dtype="f4")})
    rdf.compress(tmp_path / "x.root", tmp_path / "x.c.root", Recipe.from_text("columns: {x: {tolerance: {abs: 0.1}}}"))
    with aeplugin.open(tmp_path / "x.c.root") as file:
        np.testing.assert_allclose(file["x"], np.arange(50), atol=0.1)


def test_other_files(tmp_path: Path, folder: Path, small: Path) -> None:
    with pytest.raises(InputError, match=r"no\.root: no such file"):
        aeplugin.open(tmp_path / "no.root")
    with pytest.raises(CompatibilityError, match=r"small\.d\.root: not a compressed file: .*aeplugin compress"):
        aeplugin.open(folder / "small.d.root")
    (tmp_path / "text.root").write_text("no ROOT file at all")
    with pytest.raises(InputError, match=r"text\.root: no ROOT file"):
        aeplugin.open(tmp_path / "text.root")
    assert not files.is_compressed(folder / "small.root")
    assert files.is_compressed(small)


def with_metadata(path: Path, source: Path, **changes: Any) -> Path:
    """A file with other metadata; None leaves a field out."""
    entries = uproot.open(source)[METADATA].arrays()
    fields = {name: entries[name] for name in entries.fields} | changes
    with uproot.recreate(path) as file:
        file.mkrntuple(METADATA, {name: value for name, value in fields.items() if value is not None})
    return path


def test_metadata_of_other_versions(tmp_path: Path, small: Path) -> None:
    newer = with_metadata(tmp_path / "newer.root", small, format_version=np.array([99], "u4"))
    with pytest.raises(CompatibilityError, match=r"newer\.root.*99"):
        aeplugin.open(newer)
    for changes in ({"format_version": None}, {"model": None}):
        with pytest.raises((CompatibilityError, CorruptionError), match=r"lacking\.root"):
            aeplugin.open(with_metadata(tmp_path / "lacking.root", small, **changes))
    with pytest.raises(CorruptionError, match=r"changed\.root.*checksum"):
        aeplugin.open(with_metadata(tmp_path / "changed.root", small, events=np.array([7], "u8")))
    with pytest.raises(CorruptionError, match=rf"alone\.root: its RNTuple '{BLOCKS}' is missing"):
        aeplugin.open(with_metadata(tmp_path / "alone.root", small))
    entries = uproot.open(small)[METADATA].arrays()
    none = with_metadata(tmp_path / "empty.root", small, **{name: entries[name][:0] for name in entries.fields})
    with pytest.raises(CorruptionError, match=r"empty\.root: its metadata are empty"):
        aeplugin.open(none)


def outcome(path: Path, expected: dict[str, bytes]) -> str:
    """What reading all of a damaged file comes to; anything but right values and our errors fails."""
    try:
        with aeplugin.open(path) as file:
            found = file.arrays()
    except (CorruptionError, InputError, CompatibilityError) as error:
        return type(error).__name__ if str(path) in str(error) else f"without its path: {error}"
    assert buffers(found) == expected
    return "right"


def damage(tmp_path: Path, source: Path, number: int, seed: int, flips: int) -> list[str]:
    content, path = source.read_bytes(), tmp_path / "damaged.root"
    with aeplugin.open(source) as file:
        expected = buffers(file.arrays())
    choice, found = random.Random(seed), []
    for _ in range(number):
        damaged = bytearray(content)
        for _ in range(flips):
            bit = choice.randrange(8 * len(content))
            damaged[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(damaged)
        found.append(outcome(path, expected))
    return found


def test_flipped_bits(tmp_path: Path, small: Path, merged: Path) -> None:
    found = damage(tmp_path, small, 200, seed=5, flips=1) + damage(tmp_path, merged, 50, seed=6, flips=1)
    assert found.count("CorruptionError") > 150
    assert found.count("right") > 5  # in what no reader looks at
    assert set(found) <= {"right", "CorruptionError", "InputError", "CompatibilityError"}
    assert damage(tmp_path, small, 40, seed=7, flips=30).count("right") == 0


def test_lists_of_pages_are_checked_before_they_are_parsed(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that claims 2**31 items would keep uproot busy for hours."""
    from uproot.models.RNTuple import Model_ROOT_3a3a_RNTuple as RNTuple
    from uproot.models.RNTuple import PageLink

    (group,) = uproot.open(small)[METADATA].footer.cluster_group_records
    link, read, place = group.page_list_link, RNTuple.read_locator, 0

    def flipped(self: Any, locator: Any, size: int) -> Any:
        chunk, cursor = read(self, locator, size)
        if locator.offset != link.locator.offset:
            return chunk, cursor
        content = chunk.raw_data.copy()
        content[place] ^= 0x40
        return SimpleNamespace(raw_data=content), cursor

    monkeypatch.setattr(RNTuple, "read_locator", flipped)
    monkeypatch.setattr(PageLink, "read", lambda *_: pytest.fail("parsed"))
    for byte in range(0, link.env_uncomp_size, 5):
        place = byte
        with pytest.raises(CorruptionError, match=r"the checksum of what describes 'aeplugin' is wrong"):
            aeplugin.open(small)


def test_truncation(tmp_path: Path, compressed: Path, small: Path) -> None:
    for source, every in ((compressed, 1 << 18), (small, 1 << 12), (small, 997)):
        content, path = source.read_bytes(), tmp_path / "cut.root"
        for size in [*range(0, len(content), every), len(content) - 1]:
            path.write_bytes(content[:size])
            with pytest.raises((InputError, CorruptionError), match=r"cut\.root"):
                aeplugin.open(path)


def test_pages_that_cannot_be_are_refused_before_memory_is_taken(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with aeplugin.open(small) as file:
        for pages in file._kept._ntuple.page_link_list[0]:
            for page in pages.pages:
                page.num_elements = 9 * MAX_RATIO * page.locator.num_bytes
        monkeypatch.setattr(np, "empty", None)  # uproot would allocate with it
        with pytest.raises(CorruptionError, match=r"a page of .* bytes cannot hold"):
            file["f8"]


def test_stored_bytes(compressed: Path) -> None:
    sizes = stored_bytes(compressed)
    assert set(sizes) == {"events", BLOCKS, METADATA}
    assert {"events", "checksums", "special", "MET_pt"} <= sizes[BLOCKS].keys()
    assert sizes["events"].keys() == {
        name for name in events(1) if name not in ("Jet_pt", "Jet_eta", "Jet_E", "MET_pt", "three")
    }
    total = sum(sum(fields.values()) for fields in sizes.values())
    assert 0.95 * compressed.stat().st_size < total < compressed.stat().st_size
    assert sizes["events"]["f8"] > 0.5 * 8 * EVENTS
    assert sizes["events"]["nothing"] < 0.001 * sizes["events"]["f8"]


def test_import_is_cheap() -> None:
    code = (
        "import sys, aeplugin; print([name for name in ('uproot', 'awkward', 'torch', 'ROOT') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
