"""Scores against each other: figures of merit from files of scores, by brute force, and the command `aeplugin roc`."""

from __future__ import annotations

import json
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from click.testing import CliRunner
from matplotlib.figure import Figure

from aeplugin.cli import main
from aeplugin.errors import InputError
from aeplugin.plots.anomaly.score_files import NAME, compare_scores
from aeplugin.plots.drawing import style
from pictures import PICTURE


def write(path: Path, events: int, shift: float, seed: int, **more: np.ndarray) -> Path:
    """Scores of events, the larger the `shift` the stranger by the first one; MET_pt is no score."""
    rng = np.random.default_rng(seed)
    scores = {
        "Jet_event_score": rng.normal(0, 1, events).astype(np.float32),
        "MET_pt": rng.exponential(1 + shift, events),
        "event_bits": rng.normal(shift, 1, events).astype(np.float32),
        "Jet_bits": ak.unflatten(np.ones(2 * events, np.float32), 2),
    }
    with uproot.recreate(path) as file:
        file.mkrntuple("scores", scores | more)
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, list[Path]]:
    backgrounds = [write(tmp_path / f"{n}.scores.root", 800 + 400 * n, 0, n) for n in range(2)]
    return write(tmp_path / "odd.scores.root", 500, 1.5, 9), backgrounds


def column(paths: list[Path], name: str) -> np.ndarray:
    return np.concatenate([uproot.open(path)["scores"][name].array().to_numpy() for path in paths])


def test_figures_of_merit_by_brute_force(files: tuple[Path, list[Path]]) -> None:
    signal, backgrounds = files
    table = compare_scores(signal, backgrounds).table
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [row["score"] for row in rows] == ["event_bits", "Jet_event_score", "MET_pt"]
    assert table.title == "odd against 0, 1"
    for row in rows:
        found = column([signal], str(row["score"])).astype(np.float32)
        others = np.sort(column(backgrounds, str(row["score"])).astype(np.float32))
        assert (row["signal events"], row["background events"]) == (500, 2000)
        assert row["AUC"] == pytest.approx((found[:, None] > others).mean(), abs=1e-9)
        assert row["efficiency at 1e-02"] == pytest.approx((found > others[-21]).mean())
        assert row["efficiency at 1e-03"] is None  # two background events decide nothing
    assert float(rows[0]["AUC"] or 0) > 0.8 > 0.55 > float(rows[1]["AUC"] or 0)


def test_columns_that_are_not_there(files: tuple[Path, list[Path]], tmp_path: Path) -> None:
    signal, backgrounds = files
    assert [row[0] for row in compare_scores(signal, backgrounds, ["MET_pt"]).table.rows] == ["MET_pt"]
    with pytest.raises(InputError, match="no column 'MET_px' of one number per event; did you mean 'MET_pt'"):
        compare_scores(signal, backgrounds, ["MET_px"])
    with pytest.raises(InputError, match="no column 'Jet_bits' of one number per event"):
        compare_scores(signal, backgrounds, ["Jet_bits"])
    more = write(tmp_path / "more.root", 50, 1, 3, other_event_score=np.ones(50))
    with pytest.raises(InputError, match=r"no column 'other_event_score', which .*more\.root has"):
        compare_scores(more, backgrounds)
    nothing = write(tmp_path / "nan.root", 50, 1, 3, event_bits=np.full(50, np.nan, np.float32))
    with pytest.raises(InputError, match="'event_bits' is finite for no event"):
        compare_scores(nothing, backgrounds)
    with uproot.recreate(tmp_path / "x.root") as file:
        file.mkrntuple("events", {"x": np.ones(3)})
    with pytest.raises(InputError, match="no TTree or RNTuple called 'scores'"):
        compare_scores(tmp_path / "x.root", backgrounds)


def test_command(files: tuple[Path, list[Path]], tmp_path: Path) -> None:
    signal, backgrounds = files
    arguments = ["roc", str(signal), *map(str, backgrounds), "-o", str(tmp_path / "roc")]
    result = CliRunner().invoke(main, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert [row["score"] for row in rows] == ["event_bits", "Jet_event_score", "MET_pt"]
    assert rows[0]["efficiency at 1e-03"] is None
    names = {f"{NAME}.{suffix}" for suffix in ("png", "pdf", "csv", "tex", "md")}
    assert {path.name for path in (tmp_path / "roc").iterdir()} == names
    result = CliRunner().invoke(main, [*arguments, "--score", "MET_pt"])
    assert "MET_pt" in result.stdout
    assert "event_bits" not in result.stdout
    result = CliRunner().invoke(main, ["roc", str(signal), "-o", str(tmp_path)])
    assert result.exit_code == 2


@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture_of_scores(files: tuple[Path, list[Path]]) -> Figure:
    with style.active("atlas"):
        figure = compare_scores(*files).plot.draw()
    assert figure is not None
    return figure
