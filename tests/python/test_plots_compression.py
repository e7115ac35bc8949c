"""Plots of sizes and speeds: bits against what the evaluation finds, the benchmark's JSON, pictures."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from matplotlib.figure import Figure

from aeplugin import Recipe, rdf
from aeplugin.errors import InputError
from aeplugin.evaluation import evaluate
from aeplugin.files import iterate_objects
from aeplugin.inspection import inspect
from aeplugin.plots import compression
from aeplugin.plots.compression import bars as compression_bars
from aeplugin.plots.compression import peers as compression_peers
from aeplugin.plots.compression import rate_figures, stored_sizes
from aeplugin.plots.compression.benchmark_results import LARGEST, bound_of, read_benchmark
from aeplugin.plots.compression.rate_figures import Point, Series
from aeplugin.plots.compression.stored_sizes import COUNTS, LATENTS, SPECIAL, Bar
from aeplugin.plots.drawing import style
from aeplugin.plots.drawing.style import Caption, Look
from aeplugin.plots.inputs import Context, Inputs, open_inputs
from aeplugin.plots.plot import Plot, Table
from aeplugin.rntuples import stored_bytes
from pictures import PICTURE

RECIPE = r"""
collections:
  Jet:
    columns:
      E:   {tolerance: {rel: 0.02}, transform: log10, unit: MeV, label: '$E$'}
      pt:  {tolerance: {rel: 0.02}, transform: log10, unit: MeV}
      eta: {tolerance: {abs: 0.01}, sentinels: [-999]}
      phi: {tolerance: {abs: 0.01}, periodic: true}
columns:
  MET_pt: {tolerance: {rel: 0.01}}
"""
TIGHT = RECIPE.replace("0.02", "0.001").replace("0.01", "0.001")
LOOK = Look("atlas", "Simulation", 13)


@pytest.fixture(scope="module")
def original(events_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1000 monojet events, with a few special values."""
    arrays = uproot.open(events_file)["events"].arrays()[:1000]
    columns = {name: arrays[name] for name in arrays.fields}
    counts = ak.num(columns["Jet_pt"])
    for name, value in (("pt", 0), ("eta", -999), ("E", np.nan)):
        values = np.array(ak.flatten(columns[f"Jet_{name}"]))
        values[::100] = value
        columns[f"Jet_{name}"] = ak.unflatten(values, counts)
    path = tmp_path_factory.mktemp("original") / "original.root"
    with uproot.recreate(path) as file:
        file.mkrntuple("events", columns)
    return path


@pytest.fixture(scope="module")
def loose(original: Path) -> Path:
    rdf.compress(original, original.with_name("loose.root"), Recipe.from_text(RECIPE))
    return original.with_name("loose.root")


@pytest.fixture(scope="module")
def tight(original: Path) -> Path:
    path = original.with_name("tight.root")
    rdf.compress(original, path, Recipe.from_text(TIGHT), compression="lzma", level=9)
    return path


def peer(name: str, bits: float, rms: float, speeds: tuple[float, float] | None = None) -> dict[str, Any]:
    given = dict(zip(("compress, 1 threads", "decompress, 1 threads"), speeds, strict=True)) if speeds else {}
    return {
        "peer": name,
        "bits per object": bits,
        "bits per value": {"pt": bits / 2, "eta": bits / 2},
        "errors": {"pt": {"RMS": 0.02 * rms, "largest": 0.04 * rms}, "eta": {"RMS": 0.01 * rms, "largest": 0.01 * rms}},
        "speeds": {key: {"MB/s of float32": value, "seconds": [0.1]} for key, value in given.items()},
    }


BENCHMARK: dict[str, Any] = {
    "machine": {"cpu": "a machine", "cores": 2, "load": 0.5},
    "rounds": 1,
    "inputs": {
        "monojet": {
            "source": "monojet.csv",
            "events": 4800,
            "objects": 17624,
            "tolerances": {
                "loose": {"pt": "rel 0.02", "eta": "abs 0.01"},
                "tight": {"pt": "rel 0.001", "eta": "abs 0.001"},
            },
            "peers": {
                "loose": [
                    peer("ROOT RNTuple, lossless", 108.7, 0, (26, 226)),
                    peer("ROOT low precision", 46.2, 0.4, (65.7, 221)),
                    peer("latents as float32", 88.5, 4, (11.4, 14.1)),
                    peer("SZ3", 25.2, 0.57, (188, 579)),
                    peer("quantise + pcodec", 25.25, 0.57, (101, 196)),
                    peer("zero-order entropy", 25.0, 0.57),
                    peer("aeplugin plain", 25.67, 0.57, (40.1, 247)),
                ],
                "tight": [
                    peer("ROOT RNTuple, lossless", 108.7, 0, (26, 226)),
                    peer("ROOT low precision", 61.8, 0.03, (60.2, 297)),
                    peer("latents as float32", 88.5, 4, (11.4, 14.1)),
                    peer("SZ3", 39.8, 0.046, (133, 423)),
                    peer("quantise + pcodec", 38.5, 0.046, (76.7, 272)),
                    peer("zero-order entropy", 37.8, 0.046),
                    peer("aeplugin plain", 39.4, 0.046, (35.3, 189)),
                ],
            },
        }
    },
}


def changed(path: Sequence[str | int], value: Any) -> dict[str, Any]:
    content = copy.deepcopy(BENCHMARK)
    inner: Any = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return content


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    path = tmp_path / "compressing.json"
    path.write_text(json.dumps(BENCHMARK))
    return path


def made(context: Context) -> tuple[dict[str, Plot], dict[str, Table]]:
    items = list(compression.compression_plots(context))
    plots = {item.name: item for item in items if isinstance(item, Plot)}
    return plots, {item.name: item for item in items if isinstance(item, Table)}


def draw(plot: Plot) -> Figure:
    with style.active("atlas"):
        figure = plot.draw()
    assert figure is not None
    return figure


def test_bits_are_those_of_the_evaluation(original: Path, loose: Path, tight: Path) -> None:
    context = open_inputs(Inputs([(original, loose)], compare=[tight]))
    plots, tables = made(context)
    assert list(plots) == [
        "compression_bits_Jet",
        "compression_bits_Event",
        "compression_file",
        "compression_rate_distortion_Jet",
        "compression_rate_distortion_Event",
    ]
    totals = {row[:2]: row[3] for row in tables["compression_bits"].rows if row[2] == "total"}
    labels = {"plain, zstd 5, rel 0.02, abs 0.01": loose, "plain, lzma 9, rel 0.001, abs 0.001": tight}
    for label, path in labels.items():
        assert totals["Jet", label] == pytest.approx(evaluate(original, path).bits["Jet"], rel=1e-9)
    for label, path in {"plain, zstd 5, rel 0.01": loose, "plain, lzma 9, rel 0.001": tight}.items():
        assert totals["Event", label] == pytest.approx(evaluate(original, path).bits["MET_pt"], rel=1e-9)
    objects = evaluate(original, loose).objects["Jet"]
    sizes = stored_bytes(original)["events"]
    expected = 8 * sum(sizes[f"Jet_{v}"] for v in ("E", "pt", "eta", "phi")) / objects
    assert totals["Jet", "original, lossless"] == pytest.approx(expected)
    parts = {row[2]: row[3] for row in tables["compression_bits"].rows if row[:2] == ("Jet", next(iter(labels)))}
    assert set(parts) == {"E", "pt", "eta", "phi", SPECIAL, COUNTS, "total"}
    assert sum(parts.values()) == pytest.approx(2 * parts["total"])
    for plot in plots.values():
        draw(plot)


def test_sizes_of_files_add_up(original: Path, loose: Path, tight: Path) -> None:
    table = made(open_inputs(Inputs([(original, loose)], compare=[tight])))[1]["compression_file"]
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [row["bytes"] for row in rows] == [path.stat().st_size for path in (original, loose, tight)]
    assert rows[1]["ratio"] == pytest.approx(original.stat().st_size / loose.stat().st_size)
    sizes = stored_sizes.original_bytes(original, None)
    coded = ["Jet_E", "Jet_pt", "Jet_eta", "Jet_phi", "MET_pt"]
    parts = stored_sizes.file_parts(original, sizes, coded)
    assert sum(parts.values()) == original.stat().st_size
    assert parts["kept columns"] == sizes["event"]


def test_columns_of_trees_are_known(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "tree.root") as file:
        lists = ak.from_regular(np.arange(10_000.0).reshape(-1, 2))
        file.mktree("t", {"x": np.float32, "y": "var * float64"})
        file["t"].extend({"x": np.arange(5000, dtype=np.float32), "y": lists, "ny": np.full(5000, 2)})
    sizes = stored_sizes.original_bytes(tmp_path / "tree.root", None)
    with uproot.open(tmp_path / "tree.root") as file:
        assert {name: sizes[name] for name in ("x", "y")} == {n: file["t"][n].compressed_bytes for n in ("x", "y")}
    assert sizes["x"] > 1000


def test_size_against_error_of_files(original: Path, loose: Path, tight: Path) -> None:
    context = open_inputs(Inputs([(original, loose)], compare=[tight]))
    files = stored_sizes.read_stored(context)
    group = context.groups[0]
    reference = {"E": 0.02, "pt": 0.02, "eta": 0.01, "phi": 0.01}
    series = compression_peers.own_series(group, files, stored_sizes.objects_of(group, files), reference)
    assert [each.name for each in series] == ["plain, zstd 5", "plain, lzma 9"]
    for each, path in zip(series, (loose, tight), strict=True):
        (point,) = each.points
        before, after = (next(iter(iterate_objects(p, "Jet", group.files))).columns for p in (original, path))
        squares, largest = [], []
        for variable, scale in reference.items():
            x, y = (side[variable].astype(np.float64) for side in (before, after))
            with np.errstate(divide="ignore", invalid="ignore"):
                residuals = ((y - x) / x if variable in ("E", "pt") else y - x) / scale
            residuals = residuals[np.isfinite(residuals)]
            squares.append(np.mean(residuals**2))
            largest.append(np.abs(residuals).max())
        assert point.rms == pytest.approx(math.sqrt(np.mean(squares)))
        assert point.largest == pytest.approx(max(largest))
        assert point.bits == pytest.approx(evaluate(original, path).bits["Jet"])
    assert series[0].points[0].largest <= 1
    assert series[1].points[0].largest <= 0.1


def test_columns_that_a_file_keeps_or_drops(original: Path, loose: Path) -> None:
    """Another file may code less; its column is then as large as it is kept, and its residual is 0."""
    path = original.with_name("partly.root")
    text = RECIPE.replace("eta: {tolerance: {abs: 0.01}", "eta: {tolerance: exact").replace(", sentinels: [-999]", "")
    rdf.compress(original, path, Recipe.from_text(text + "drop: [event]\n"))
    context = open_inputs(Inputs([(original, loose)], compare=[path]))
    plots, tables = made(context)
    rows = {row[:3]: row[3] for row in tables["compression_bits"].rows}
    label = "plain and exact, zstd 5, rel 0.02, exact, abs 0.01"
    facts = next(column for column in inspect(path).columns if column.name == "Jet_eta")
    objects = evaluate(original, loose).objects["Jet"]
    assert rows["Jet", label, "eta"] == pytest.approx(8 * facts.bytes / objects)
    for plot in plots.values():
        draw(plot)


def test_nothing_compressed_is_nothing_to_draw(original: Path, loose: Path, benchmark: Path) -> None:
    recipe = Recipe.from_text(RECIPE)
    assert made(open_inputs(Inputs([(original, original)], recipe))) == ({}, {})
    plots, tables = made(open_inputs(Inputs([(original, original)], recipe, benchmark=benchmark)))
    assert list(plots) == ["compression_rate_distortion_benchmark_monojet", "compression_speed_monojet"]
    assert list(tables) == ["compression_peers_monojet"]


def test_file_of_another_original(original: Path, loose: Path, tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "few.root") as file:
        file.mkrntuple("events", uproot.open(original)["events"].arrays()[:10])
    rdf.compress(tmp_path / "few.root", tmp_path / "few.compressed.root", Recipe.from_text(RECIPE))
    context = open_inputs(Inputs([(original, loose)], compare=[tmp_path / "few.compressed.root"]))
    with pytest.raises(InputError, match="ends after 10 events"):
        made(context)


def test_peers_of_the_benchmark(benchmark: Path) -> None:
    data = read_benchmark(benchmark).inputs["monojet"]
    series = {each.name: each.points for each in compression_peers.peer_series(data)}
    assert [point.which for point in series["SZ3"]] == ["loose", "tight"]
    point = series["SZ3"][0]
    assert (point.rms, point.largest) == (pytest.approx(0.57), pytest.approx(1.14))
    assert point.speeds == {"compress": 188, "decompress": 579}
    assert len(series["ROOT RNTuple, lossless"]) == len(series["latents as float32"]) == 1
    assert series["zero-order entropy"][0].speeds == {}


def test_own_files_are_among_the_peers_of_the_same_objects(original: Path, loose: Path, tmp_path: Path) -> None:
    objects, events = evaluate(original, loose).objects["Jet"], 1000
    promise = {"E": "rel 0.04", "pt": "rel 0.04", "eta": "abs 0.02", "phi": "abs 0.02"}
    content = changed(("inputs", "monojet", "objects"), objects)
    content["inputs"]["monojet"] |= {"events": events, "tolerances": {"loose": promise}}
    content["inputs"]["monojet"]["peers"].pop("tight")
    (tmp_path / "b.json").write_text(json.dumps(content))
    tables = made(open_inputs(Inputs([(original, loose)], benchmark=tmp_path / "b.json")))[1]
    rows = {row[0]: row for row in tables["compression_peers_monojet"].rows}
    row = rows["file: plain, zstd 5"]
    assert row[2] == pytest.approx(evaluate(original, loose).bits["Jet"])
    assert row[4] == pytest.approx(0.5, rel=0.01)


def test_old_results_without_errors(tmp_path: Path, original: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = copy.deepcopy(BENCHMARK)
    for peers in content["inputs"]["monojet"]["peers"].values():
        for each in peers:
            each.pop("errors")
    (tmp_path / "b.json").write_text(json.dumps(content))
    context = open_inputs(Inputs([(original, original)], Recipe.from_text(RECIPE), benchmark=tmp_path / "b.json"))
    assert list(made(context)[0]) == ["compression_speed_monojet"]
    assert "the benchmark tells no errors" in caplog.text


LOOSE = ("inputs", "monojet", "peers", "loose")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no JSON", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("{}", "inputs: Field required"),
        ("[1]", "top level"),
        (changed((*LOOSE, 0, "bits per object"), -1), "bits per object: Input should be greater than 0"),
        (changed((*LOOSE, 0, "bits per object"), math.nan), "bits per object"),
        (changed((*LOOSE, 1, "errors", "pt", "RMS"), -1), "RMS: Input should be greater"),
        (changed((*LOOSE, 0, "peer"), ""), "peer: String should have at least"),
        (changed(LOOSE, {"a": 1}), "Input should be a valid list"),
        (changed(("inputs", "monojet", "objects"), "many"), "objects: Input should be a valid integer"),
    ],
)
def test_results_that_are_none(content: str | dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(InputError, match=message) as error:
        read_benchmark(path)
    assert str(path) in str(error.value)
    assert "tests/benchmarks/compressing.py" in str(error.value)


def test_results_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the benchmark's results"):
        read_benchmark(tmp_path / "missing.json")
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(InputError, match="larger than 64 MB"):
        read_benchmark(tmp_path / "large.json")


@pytest.mark.parametrize(
    ("text", "bound"), [("rel 0.02", 0.02), ("abs 1e3", 1000), ("exact", None), ("rel x", None), ("abs -1", None)]
)
def test_bounds(text: str, bound: float | None) -> None:
    assert bound_of(text) == bound


@pytest.mark.parametrize("seed", range(4))
def test_numbers_cover_neither_marks_nor_each_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spread = [1.0, 0.3, 0.1, 0.03][seed]
    bits, speeds = 30 * np.exp(spread * rng.normal(size=16)), 50 * np.exp(rng.normal(size=16))
    points = [Point("loose", size, 1.0, 1.0, {"compress": speed}) for size, speed in zip(bits, speeds, strict=True)]
    series = [Series(f"peer{k} of some length", (point,)) for k, point in enumerate(points)]
    with style.active("atlas"):
        figure = rate_figures.draw_speeds(series, [], LOOK)
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
        ax = figure.axes[0]
        texts = [text for text in ax.texts if text.get_text()]
        boxes = [text.get_window_extent(renderer) for text in texts]
        frame = ax.get_window_extent(renderer)
    assert sorted(text.get_text() for text in texts) == sorted(str(k + 1) for k in range(16))
    for i, box in enumerate(boxes):
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1
        assert not any(box.padded(-1.5).overlaps(other.padded(-1.5)) for other in boxes[:i])


def bars() -> list[Bar]:
    return [
        Bar("original, lossless", {"E": 27.1, "pt": 26.4, "eta": 27.9, "phi": 27.3}, {}),
        Bar(
            "plain, zstd 5\nrel 0.02, abs 0.01",
            {"E": 1.9, "pt": 6.8, "eta": 8.2, "phi": 8.4},
            {COUNTS: 0.7, SPECIAL: 0.3},
        ),
        Bar(
            "autoencoder, zstd 5\nrel 0.02, abs 0.01",
            {"E": 2, "pt": 2, "eta": 2.9, "phi": 4.1},
            {LATENTS: 17.3, COUNTS: 0.7},
        ),
    ]


def test_small_columns_are_one_part() -> None:
    columns = {f"variable_{k}": 1.0 + k for k in range(20)}
    with style.active("atlas"):
        figure = compression_bars.draw_bits(
            [Bar("a", columns, {}), Bar("b", columns, {})],
            {name: name for name in columns},
            5,
            "object",
            Caption(LOOK, "Jets", ""),
        )
    ax = figure.axes[0]
    widths = [patch.get_width() for patch in ax.patches]
    assert len(widths) == 2 * 8
    assert sum(widths) == pytest.approx(2 * sum(columns.values()))
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "13 other columns"


@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture_compression_bits() -> Figure:
    labels = {"E": "$E$", "pt": r"$p_\mathrm{T}$", "eta": r"$\eta$", "phi": r"$\phi$"}
    with style.active("atlas"):
        return compression_bars.draw_bits(bars(), labels, 17624, "object", Caption(LOOK, "Jets", ""))


@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture_compression_file() -> Figure:
    parts = [
        {"kept columns": 21_000, "coded columns": 184_000, "the rest": 2_500},
        {"kept columns": 22_300, "coded columns": 42_000, "checksums": 300, "metadata": 1_900, "the rest": 6_100},
        {"kept columns": 22_300, "coded columns": 18_000, "latents": 29_800, "model": 336_000, "the rest": 8_000},
    ]
    names = ["njets.root", "njets.compressed.root", "njets.autoencoder.root"]
    with style.active("atlas"):
        return compression_bars.draw_files(
            names, ["original", "plain, zstd 5", "autoencoder, zstd 5"], parts, 3000, LOOK
        )


@pytest.mark.parametrize("kind", ["rate_distortion", "speed"])
@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture_compression_peers(kind: str, benchmark: Path) -> Figure:
    series = compression_peers.peer_series(read_benchmark(benchmark).inputs["monojet"])
    with style.active("atlas"):
        if kind == "rate_distortion":
            return rate_figures.draw_errors(series, "object", ["17 624 jets"], LOOK)
        return rate_figures.draw_speeds(series, ["17 624 jets"], LOOK)


def test_pictures_in_other_styles() -> None:
    series = [
        Series("one", (Point("a", 20.0, 0.5, 1.0), Point("b", 30.0, 0.05, 0.1))),
        Series("two", (Point("a", 20.0, 0, 0),)),
    ]
    for name in ("cms", "plain"):
        look = replace(LOOK, style=name, luminosity=139.0)
        with style.active(name):
            figure = rate_figures.draw_errors(series, "object", [], look)
        assert any("139" in text.get_text() for text in figure.texts)
