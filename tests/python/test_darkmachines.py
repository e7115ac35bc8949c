"""The Dark Machines reader: what is written comes back bit by bit, and what is malformed is refused with its place."""

from __future__ import annotations

import gzip
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import awkward as ak
import numpy as np
import pytest
import uproot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aeplugin import darkmachines
from aeplugin._core import DarkMachinesReader
from aeplugin.darkmachines import OBJECT_KINDS
from aeplugin.errors import InputError

# Where each kind of object goes in the layout nanoaod, and what its btag or charge is.
ROUTES = {
    "j": ("Jet", False),
    "b": ("Jet", True),
    "e-": ("Electron", -1),
    "e+": ("Electron", 1),
    "m-": ("Muon", -1),
    "m+": ("Muon", 1),
    "g": ("Photon", None),
}
TAGS = {"Jet": "btag", "Electron": "charge", "Muon": "charge", "Object": "kind"}
QUANTITIES = ("E", "pt", "eta", "phi")


class Event(NamedTuple):
    id: int
    process: str
    weight: float
    met: float
    met_phi: float
    objects: list[tuple[str, tuple[float, ...]]]

    def line(self) -> str:
        """The text of the event, with as many digits as its numbers need."""
        fields = [str(self.id), self.process, f"{self.weight:.17g}", f"{self.met:.9g}", f"{self.met_phi:.9g}"]
        fields += [",".join([kind, *(f"{value:.9g}" for value in values)]) for kind, values in self.objects]
        return ";".join(fields)


floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
# Printable ASCII without the separator; blanks at the ends are not part of a name.
names = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters=";"), min_size=1).filter(
    lambda name: name == name.strip()
)
objects = st.tuples(st.sampled_from(OBJECT_KINDS), st.tuples(floats, floats, floats, floats))
events = st.builds(
    Event,
    st.integers(0, 2**64 - 1),
    names,
    st.floats(allow_nan=False, allow_infinity=False),
    floats,
    floats,
    st.lists(objects, max_size=6),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("darkmachines")


def blocks(path: Path, **options: Any) -> Iterator[dict[str, Any]]:
    reader = DarkMachinesReader(str(path), **options)
    while (block := reader.next()) is not None:
        yield block


def expected_columns(parsed: list[Event], layout: str) -> tuple[dict[str, np.ndarray], dict[str, list[int]]]:
    """All columns one after the other, and for each collection its number of objects per event."""
    columns: dict[str, Any] = {
        "event": np.array([event.id for event in parsed], np.uint64),
        "process": np.array([event.process for event in parsed], object),
        "weight": np.array([event.weight for event in parsed], np.float64),
        "MET_pt": np.array([event.met for event in parsed], np.float32),
        "MET_phi": np.array([event.met_phi for event in parsed], np.float32),
    }
    counts = {}
    for collection in ("Object",) if layout == "objects" else ("Jet", "Electron", "Muon", "Photon"):
        chosen = [
            [object for object in event.objects if collection in ("Object", ROUTES[object[0]][0])] for event in parsed
        ]
        counts[collection] = [len(event) for event in chosen]
        flat = [object for event in chosen for object in event]
        for i, quantity in enumerate(QUANTITIES):
            columns[f"{collection}_{quantity}"] = np.array([values[i] for _, values in flat], np.float32)
        if collection in TAGS:
            tags = [OBJECT_KINDS.index(kind) if collection == "Object" else ROUTES[kind][1] for kind, _ in flat]
            columns[f"{collection}_{TAGS[collection]}"] = np.array(tags, bool if collection == "Jet" else np.int32)
    return columns, counts


def check(found: list[dict[str, Any]], parsed: list[Event], layout: str) -> None:
    columns, counts = expected_columns(parsed, layout)
    assert sum(block["events"] for block in found) == len(parsed)
    for name, expected in columns.items():
        got = np.concatenate([np.asarray(block["columns"][name]) for block in found])
        if expected.dtype == object:
            assert got.tolist() == expected.tolist()
        else:
            assert got.dtype == expected.dtype
            assert got.tobytes() == expected.tobytes(), name  # bit by bit: -0.0 is not 0.0
    for collection, expected_counts in counts.items():
        got_counts = np.concatenate([np.diff(block["offsets"][collection].astype(np.int64)) for block in found])
        assert got_counts.tolist() == expected_counts


@settings(max_examples=120)
@given(
    parsed=st.lists(events, min_size=1, max_size=12),
    layout=st.sampled_from(["nanoaod", "objects"]),
    end=st.sampled_from(["\n", ";\n", ";\r\n", "\r\n", "\n\n", " ; \n"]),
    packed=st.booleans(),
    block_bytes=st.sampled_from([1, 64, 100, 1 << 22]),
    threads=st.sampled_from([1, 2]),
)
def test_round_trip(
    folder: Path, parsed: list[Event], layout: str, end: str, packed: bool, block_bytes: int, threads: int
) -> None:
    text = "".join(event.line() + end for event in parsed).encode()
    path = folder / "events.csv"
    path.write_bytes(gzip.compress(text, 1) if packed else text)
    found = list(blocks(path, objects=layout == "objects", block_bytes=block_bytes, threads=threads))
    check(found, parsed, layout)


@settings(max_examples=25)
@given(parsed=st.lists(events, min_size=1, max_size=5), layout=st.sampled_from(["nanoaod", "objects"]))
def test_round_trip_as_awkward(folder: Path, parsed: list[Event], layout: darkmachines.Layout) -> None:
    path = folder / "awkward.csv"
    path.write_text("".join(event.line() + ";\n" for event in parsed))
    array = darkmachines.read(path, layout)
    columns, counts = expected_columns(parsed, layout)
    assert array.event.to_list() == columns["event"].tolist()
    assert array.process.to_list() == columns["process"].tolist()
    for collection, expected_counts in counts.items():
        assert ak.num(array[collection]).to_list() == expected_counts
        assert set(ak.fields(array[collection])) == {
            *QUANTITIES,
            *((TAGS[collection],) if collection in TAGS else ()),
        }
        for name in ak.fields(array[collection]):
            values = ak.to_numpy(ak.flatten(array[collection][name]))
            assert values.dtype == columns[f"{collection}_{name}"].dtype
            assert values.tobytes() == columns[f"{collection}_{name}"].tobytes()


def is_read_or_refused(path: Path) -> None:
    """Any content gives events or an InputError; both ways of treating malformed lines agree."""
    strict, lenient = [], []
    message = None
    try:
        strict = list(blocks(path, threads=1, block_bytes=64))
    except InputError as error:
        message = str(error)
    assert message is None or message.startswith(str(path))
    refused = message is not None
    try:
        reader = DarkMachinesReader(str(path), threads=2, skip_bad_lines=True)
        while (block := reader.next()) is not None:
            lenient.append(block)
    except InputError:
        assert refused  # a file that cannot be read at all
        return
    assert refused == (reader.bad_lines[0] > 0)
    for found in (strict, lenient):
        for block in found:
            for collection, offsets in block["offsets"].items():
                assert len(offsets) == block["events"] + 1
                assert len(block["columns"][f"{collection}_pt"]) == offsets[-1]
            assert np.isfinite(block["columns"]["Jet_pt"]).all()


VALID = Event(7, "pp > jj", 1.5, 2e5, -1.5, [("j", (4e5, 3e5, 0.5, 1.0)), ("e-", (3e4, 2e4, -1.0, 2.0))]).line()


@settings(max_examples=150)
@given(content=st.binary(max_size=300), packed=st.booleans())
def test_any_bytes(folder: Path, content: bytes, packed: bool) -> None:
    path = folder / "bytes.csv"
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    is_read_or_refused(path)


insertions = st.binary(max_size=3) | st.sampled_from([b";", b",", b"\n", b"\r", b"e", b"-", b".", b"1e999", b"nan"])
edits = st.tuples(st.integers(0, 4 * len(VALID)), st.integers(0, 3), insertions)


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
@given(edits=st.lists(edits, min_size=1, max_size=4), packed=st.booleans())
def test_mutated_text(folder: Path, edits: list[tuple[int, int, bytes]], packed: bool) -> None:
    content = (VALID + ";\n").encode() * 4
    for place, removed, inserted in edits:
        content = content[:place] + inserted + content[place + removed :]
    path = folder / "mutated.csv"
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    is_read_or_refused(path)


@settings(max_examples=60)
@given(place=st.integers(0, 10_000), value=st.integers(0, 255), cut=st.booleans())
def test_damaged_gzip(folder: Path, place: int, value: int, cut: bool) -> None:
    content = bytearray(gzip.compress((VALID + ";\n").encode() * 50, mtime=0))
    place %= len(content)
    path = folder / "damaged.csv.gz"
    if cut:
        path.write_bytes(content[:place])
        with pytest.raises(InputError, match=r"damaged\.csv\.gz.*(truncated|empty|expected)"):
            list(blocks(path))
    else:
        content[place] = value
        path.write_bytes(content)
        is_read_or_refused(path)


def parse(path: Path) -> list[Event]:
    """A parser that a reader believes at sight."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    parsed = []
    for line in text.splitlines():
        identifier, process, weight, met, met_phi, *found = line.rstrip(";").split(";")
        objects = [(kind, tuple(map(float, values))) for kind, *values in (text.split(",") for text in found)]
        parsed.append(Event(int(identifier), process, float(weight), float(met), float(met_phi), objects))
    return parsed


@pytest.mark.parametrize("layout", ["nanoaod", "objects"])
@pytest.mark.parametrize("process", ["monojet", "njets", "ttbar", "ww", "z_jets", "zz"])
def test_generated_files(data: Path, process: str, layout: str) -> None:
    path = data / f"{process}.csv.gz"
    parsed = parse(path)
    assert len(parsed) == 3000
    check(list(blocks(path, objects=layout == "objects")), parsed, layout)


@pytest.mark.parametrize("layout", ["nanoaod", "objects"])
def test_published_file(shared_data: Path, layout: str) -> None:
    (path,) = (shared_data / "darkmachines").glob("*.csv")
    parsed = parse(path)
    assert len(parsed) == 4800
    whole = list(blocks(path, objects=layout == "objects", threads=1))
    check(whole, parsed, layout)
    pieces = list(blocks(path, objects=layout == "objects", threads=2, block_bytes=4096))
    assert len(pieces) > 100
    check(pieces, parsed, layout)


def test_blocks_are_those_of_the_file_in_order(data: Path) -> None:
    together = ak.concatenate(list(darkmachines.iterate(data / "ww.csv.gz")))
    assert ak.array_equal(together, darkmachines.read(data / "ww.csv.gz"))


def test_vector_behaviours(folder: Path) -> None:
    path = folder / "vectors.csv"
    path.write_text("1;p;1;10;0.5;j,5,3,0,0.25;j,5,3,0,-0.25;g,2,2,0,3\n")
    events = darkmachines.read(path)
    assert events.Jet.mass.to_list() == [pytest.approx([4, 4])]
    first, second = events.Jet[:, 0], events.Jet[:, 1]
    assert first.deltaR(second)[0] == pytest.approx(0.5)
    assert (first + second).mass[0] == pytest.approx(math.sqrt(10**2 - (6 * math.cos(0.25)) ** 2))
    assert events.Photon.px.to_list() == [pytest.approx([2 * math.cos(3)])]
    for collection in ("Jet", "Electron", "Muon", "Photon"):
        assert "Momentum4D" in str(events[collection].type)
    assert "Momentum4D" in str(darkmachines.read(path, "objects").Object.type)


GOOD = "1;p;1;2;3;j,1,1,1,1;\n"


@pytest.mark.parametrize(
    ("bad", "defect"),
    [
        ("hello", r"1 field \('hello'\); expected at least 5"),
        ("1;p;1;2", "4 fields .*; expected at least 5"),
        ("-1;p;1;2;3", "event ID: '-1' is not an unsigned 64-bit integer"),
        ("18446744073709551616;p;1;2;3", "event ID: '18446744073709551616' is not"),
        ("1;;1;2;3", "process ID is empty"),
        ("1;p\x01;1;2;3", r"process ID: 'p\\x01' is not text"),
        ("1;p;a;2;3", "event weight: 'a' is not a finite number"),
        ("1;p;1e999;2;3", "event weight: '1e999' is too large"),
        ("1;p;1;1e40;3", "MET: '1e40' is too large for a 32-bit"),
        ("1;p;1;2;nan", "METphi: 'nan' is not a finite number"),
        ("1;p;1;2;", "4 fields"),
        ("1;p;1;;3", "MET is empty; expected a number"),
        ("1;p;1;2;3;q,1,1,1,1", r"object 1\): unknown object 'q'; expected one of j, b, e-, e\+, m-, m\+, g"),
        ("1;p;1;2;3;j,1,1,1,1;j,1,1,1", r"object 2 has 4 values \('j,1,1,1'\); expected 5"),
        ("1;p;1;2;3;j,1,1,1,1,1", "object 1 has 6 values"),
        ("1;p;1;2;3;j,1,0x1,1,1", "object 1: pt: '0x1' is not a finite number"),
        ("1;p;1;2;3;j,1,1,1,", "object 1: phi is empty"),
        ("1;p;1;2;3;;j,1,1,1,1", "object 1 is empty"),
        ("1;p;1;2;3;j,1,1,inf,1", "object 1: eta: 'inf' is not"),
    ],
)
@pytest.mark.parametrize("block_bytes", [64, 1 << 20])
def test_bad_lines_name_file_line_and_defect(folder: Path, bad: str, defect: str, block_bytes: int) -> None:
    path = folder / "bad.csv"
    path.write_text(GOOD * 7 + bad + "\n" + GOOD)
    with pytest.raises(InputError, match=rf"bad\.csv:8: .*({defect})"):
        list(blocks(path, block_bytes=block_bytes))
    reader = DarkMachinesReader(str(path), block_bytes=block_bytes, skip_bad_lines=True)
    number = 0
    while (block := reader.next()) is not None:
        number += block["events"]
    assert number == 8
    count, (message,) = reader.bad_lines
    assert count == 1
    assert message.startswith(f"{path}:8: ")


def test_last_line_without_newline_is_a_truncation(folder: Path) -> None:
    path = folder / "truncated.csv"
    path.write_text((GOOD * 3)[:-1])
    with pytest.raises(InputError, match=r"truncated\.csv:3: .*does not end with a newline: the file is truncated"):
        darkmachines.read(path)


def test_skipped_lines_are_counted(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = folder / "skipped.csv"
    path.write_text((GOOD + "bad\n") * 15 + "\n" + GOOD)
    with caplog.at_level(logging.WARNING):
        assert len(darkmachines.read(path, skip_bad_lines=True)) == 16
    assert "15 malformed lines skipped; the first: " in caplog.text
    reader = DarkMachinesReader(str(path), skip_bad_lines=True)
    while reader.next() is not None:
        pass
    count, first = reader.bad_lines
    assert count == 15
    assert [message.split(":")[1] for message in first] == [str(line) for line in range(2, 22, 2)]


@pytest.mark.parametrize("layout", ["nanoaod", "objects"])
@pytest.mark.parametrize(("content", "skip"), [("\n\n", False), ("bad\nworse\n", True)])
def test_no_events(folder: Path, content: str, skip: bool, layout: darkmachines.Layout) -> None:
    """Only empty or only skipped lines: a table of the same type, without rows."""
    path, good = folder / "none.csv", folder / "good.csv"
    path.write_text(content)
    good.write_text(GOOD)
    found = darkmachines.read(path, layout, skip_bad_lines=skip)
    assert len(found) == 0
    assert found.type.content == darkmachines.read(good, layout).type.content


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "the file is empty"),
        ("empty.csv.gz", gzip.compress(b""), "the file is empty"),
        ("zeros.csv", bytes(1000), "binary file"),
        ("table.parquet", b"PAR1" + bytes(20), "Parquet"),
        ("archive.zip", b"PK\x03\x04" + bytes(20), "zip archive.*decompress it first"),
        ("twice.csv.gz", gzip.compress(gzip.compress(GOOD.encode())), "gzip file inside a gzip file"),
        ("followed.csv.gz", gzip.compress(GOOD.encode()) + b"junk", "other bytes follow the gzip data"),
    ],
)
def test_other_content(folder: Path, name: str, content: bytes, message: str) -> None:
    path = folder / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}.*{message}"):
        list(blocks(path))


def test_other_files(folder: Path) -> None:
    np.save(folder / "array.npy", np.arange(5))
    with uproot.recreate(folder / "file.root") as file:
        file.mktree("t", {"x": np.float32})
    with pytest.raises(InputError, match=r"array\.npy: this looks like a NumPy file"):
        darkmachines.read(folder / "array.npy")
    with pytest.raises(InputError, match=r"file\.root: this looks like a ROOT file"):
        darkmachines.read(folder / "file.root")
    with pytest.raises(InputError, match=r"missing\.csv: there is no such file"):
        darkmachines.read(folder / "missing.csv")
    with pytest.raises(InputError, match="this is a directory"):
        darkmachines.read(folder)
