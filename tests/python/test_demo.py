"""`make demo` in small: two samples, two epochs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).parents[2] / "tools" / "demo.py"


def test_demo_runs(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, DEMO, "--data", data, "--output", tmp_path, "--epochs", "2", "--processes", "ttbar,zz"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Summary" in done.stdout
    rows = [line.split() for line in done.stdout[done.stdout.index("Summary") :].splitlines()]
    assert [row[0] for row in rows if "yes" in row] == ["ttbar", "zz"]
    files = {"jets.model", "zz.compressed.root", "ttbar.autoencoder.root", "ttbar.decompressed.root"}
    assert files <= {path.name for path in tmp_path.iterdir()}
    assert len(list((tmp_path / "plots").glob("*.pdf"))) == 24
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
