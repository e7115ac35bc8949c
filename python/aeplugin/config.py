"""Where the installed C++ library, its headers and its CMake files are."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

PREFIX = Path(__file__).resolve().parent
INCLUDE_DIR = PREFIX / "include"
LIBRARY_DIR = PREFIX / "lib"
CMAKE_DIR = PREFIX / "lib" / "cmake" / "aeplugin"
SHARE_DIR = PREFIX / "share" / "aeplugin"


def package_folder(name: str) -> Path | None:
    """The folder of a Python package without importing it; None where it is not installed."""
    spec = importlib.util.find_spec(name)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def onnxruntime_library() -> Path | None:
    """The ONNX Runtime library inside the Python package onnxruntime; None where it is not installed."""
    folder = package_folder("onnxruntime")
    found = sorted((folder / "capi").glob("libonnxruntime.*")) if folder else []
    return found[0] if found else None


def find_engine_libraries() -> None:
    """Tell the core where the libraries of its engines are, unless the user did so."""
    library = onnxruntime_library()
    if library is not None:
        os.environ.setdefault("AEPLUGIN_ONNXRUNTIME", str(library))
    # The library reports home by default; the variable must be set before it is loaded.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def cflags() -> str:
    """Compiler flags for code that includes aeplugin's headers."""
    return f"-std=c++17 -I{INCLUDE_DIR}"


def libs() -> str:
    """Linker flags for code that uses the core."""
    return f"-L{LIBRARY_DIR} -Wl,-rpath,{LIBRARY_DIR} -laeplugin"


def setup(folders: list[Path]) -> str:
    """Shell lines after which ROOT macros find aeplugin's headers and libraries, and those in `folders`."""
    libraries = ":".join(str(folder) for folder in (LIBRARY_DIR, *folders))
    lines = [
        f'export ROOT_INCLUDE_PATH="{INCLUDE_DIR}${{ROOT_INCLUDE_PATH:+:$ROOT_INCLUDE_PATH}}"',
        f'export LD_LIBRARY_PATH="{libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"',
        "export ORT_DISABLE_TELEMETRY=1",
    ]
    runtime = onnxruntime_library()
    if runtime is not None:
        lines.append(f'export AEPLUGIN_ONNXRUNTIME="{runtime}"')
    return "\n".join(lines)
