"""A user's own CMake project finds the installed library, compiles against it and runs."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from aeplugin import config, export, glue

SOURCE = Path(__file__).parents[1] / "consumer"


def call(*command: object, **environment: str) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("consumer")
    cmake_dir = call("aeplugin", "config", "--cmake").strip()
    call(
        "cmake", "-S", SOURCE, "-B", folder, "-G", "Ninja", f"-Daeplugin_DIR={cmake_dir}", "-DCMAKE_BUILD_TYPE=Release"
    )
    call("cmake", "--build", folder)
    return folder


def test_core_alone(build: Path, data: Path, jets_model: Path) -> None:
    output = call(build / "core", data / "ttbar.csv.gz", jets_model)
    assert output.startswith("3000 events, pt 824498 -> ")
    libraries = call("ldd", build / "core")
    assert "libaeplugin.so" in libraries
    assert not re.search("ROOT|libCore|torch|onnx|python", libraries.replace(str(config.LIBRARY_DIR), ""))


def test_compiled_analysis(build: Path, events_file: Path, jets_model: Path, tmp_path: Path) -> None:
    export.export(jets_model, ["onnx", "torchscript"])
    libraries = {
        "AEPLUGIN_TORCH": str(glue.library("torch")),
        "AEPLUGIN_ONNXRUNTIME": str(config.onnxruntime_library()),
    }
    output = call(build / "analysis", events_file, jets_model, tmp_path / "compressed.root", **libraries)
    assert output.startswith("3000 events\n")
    assert "threads agree\n" in output
    assert "read directly or decompressed, jets agree\n" in output
    assert "with one thread they agree\n" in output
    assert "\n0 values outside their tolerances\n" in output
    differences = re.findall(r"(onnx|torch) differs by (\S+)", output)
    assert [name for name, _ in differences] == ["onnx", "torch"]
    # 1e-5 in standardised units of log10 pt is about 1e-5 of pt itself.
    assert all(float(difference) < 1e-5 for _, difference in differences)
