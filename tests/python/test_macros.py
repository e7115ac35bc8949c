"""The ROOT macros, run by the executable `root` after `eval "$(aeplugin config --setup)"`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import awkward as ak
import uproot

from aeplugin import Recipe, config, rdf
from aeplugin.compilation import compile_recipe
from aeplugin.plots import Inputs, make_plots


def root(macro: str, *arguments: Path | str) -> subprocess.CompletedProcess[str]:
    """Run a macro as a user does."""
    call = ", ".join(f'"{argument}"' for argument in arguments)
    path = config.SHARE_DIR / "macros" / macro
    script = f"""eval "$(aeplugin config --setup)" && root -l -b -q '{path}({call})'"""
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, timeout=300)


def test_compress_inspect_read_decompress(events_file: Path, tmp_path: Path) -> None:
    """With a model that a recipe alone gives."""
    model, compressed, plain = (tmp_path / name for name in ("plain.model", "compressed.root", "decompressed.root"))
    compile_recipe(Recipe.from_file("darkmachines-jets"), events_file).save(str(model))
    result = root("compress.C", events_file, compressed, model)
    assert result.returncode == 0, result.stderr
    assert "3000 events" in result.stdout
    result = root("inspect.C", compressed)
    assert result.returncode == 0, result.stderr
    assert "Jet_E (std::vector<float>): rel 0.02, worst error 0.0" in result.stdout
    assert "codec plain, predicted by pt * cosh(eta)" in result.stdout
    assert "MET_pt (float): exact" in result.stdout
    assert events_file.name in result.stdout
    assert "tolerance" in result.stdout
    result = root("decompress.C", compressed, plain)
    assert result.returncode == 0, result.stderr
    events = uproot.open(plain)["events"].arrays()
    assert events.fields == uproot.open(events_file)["events"].keys()
    result = root("read.C", compressed, tmp_path / "jet_pt.pdf")
    assert result.returncode == 0, result.stderr
    assert f"{ak.count(events.Jet_pt)} values of Jet_pt, mean " in result.stdout
    assert (tmp_path / "jet_pt.pdf").read_bytes().startswith(b"%PDF")


def test_errors_give_a_message_and_a_status(events_file: Path, tmp_path: Path) -> None:
    result = root("compress.C", events_file, tmp_path / "out.root", tmp_path / "nowhere.model")
    assert result.returncode == 1
    assert "error: " in result.stderr
    assert "nowhere.model: no such file" in result.stderr
    assert not (tmp_path / "out.root").exists()


def test_reconstruct(events_file: Path, jets_model: Path, tmp_path: Path) -> None:
    result = root("reconstruct.C", events_file, jets_model, tmp_path / "residuals.pdf")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "residuals.pdf").read_bytes().startswith(b"%PDF")


def test_residuals_of_saved_histograms(events_file: Path, tmp_path: Path) -> None:
    compressed, plots = tmp_path / "compressed.root", tmp_path / "plots"
    rdf.compress(events_file, compressed, Recipe.from_file("darkmachines-jets"))
    *_, histograms = make_plots(Inputs([(events_file, compressed)]), plots, sections=["variables"], formats=["png"])
    result = root("plots.C", histograms, tmp_path / "residuals.pdf")
    assert result.returncode == 0, result.stderr
    assert "6 residuals in " in result.stdout  # E, pt, eta, phi, and the relative ones of E and pt
    assert (tmp_path / "residuals.pdf").read_bytes().startswith(b"%PDF")
    missing = root("plots.C", tmp_path / "nowhere.root", tmp_path / "none.pdf")
    assert missing.returncode == 1
    assert "nowhere.root: cannot be opened" in missing.stderr
    assert not (tmp_path / "none.pdf").exists()
