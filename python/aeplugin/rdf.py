"""aeplugin in PyROOT: RDataFrame steps and whole files, through the compiled ROOT glue.

    >>> import aeplugin.rdf
    >>> jets = aeplugin.rdf.open_autoencoder("jets.model")
    >>> frame = aeplugin.rdf.define_reconstructed(ROOT.RDataFrame("events", "events.root"), jets)

The first use compiles the glue for the ROOT at hand (about a minute, once; see `aeplugin.glue`).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from aeplugin import config, errors, glue

Progress = Callable[[float], None]
Engine = Literal["native", "onnx", "torch"]

_ERRORS = ("CompatibilityError", "CorruptionError", "InputError", "ModelError", "RecipeError")
_HEADERS = ("rdf/define.hxx", "rdf/darkmachines_source.hxx", "rdf/files.hxx", "rdf/functors.hxx")


@cache
def load() -> Any:
    """Load ROOT and the glue into it; gives the module ROOT, whose `ROOT.aeplugin` is the C++ library.

    Raises:
        CompatibilityError: there is no ROOT, or the glue does not compile against it.
    """
    library = glue.library("root")
    with warnings.catch_warnings():
        # The wheel warns that it is an alpha version.
        warnings.simplefilter("ignore", UserWarning)
        import ROOT
    ROOT.gInterpreter.AddIncludePath(str(config.INCLUDE_DIR))
    if ROOT.gSystem.Load(str(library)) < 0:
        raise errors.CompatibilityError(f"{library}: ROOT cannot load its glue; remove the file to compile it again")
    for header in _HEADERS:
        if not ROOT.gInterpreter.Declare(f"#include <aeplugin/{header}>"):
            raise errors.CompatibilityError(f"{header}: ROOT {ROOT.gROOT.GetVersion()} cannot compile this header")
    for name in _ERRORS:
        getattr(ROOT.aeplugin, name)  # PyROOT raises only those classes that it has seen
    return ROOT


def open_autoencoder(model: str | os.PathLike[str], collection: str = "", engine: Engine = "native") -> Any:
    """Open a model for the functions below; `collection` may be left out where the model has only one.

    Raises:
        ModelError: the file is no model, or the networks that the engine runs were not exported.
    """
    library = load().aeplugin
    if engine == "torch":
        os.environ.setdefault("AEPLUGIN_TORCH", str(glue.library("torch")))
    return _call(library.OpenAutoencoder, os.fspath(model), collection, _call(library.ParseEngineKind, engine))


def define_latents(frame: Any, autoencoder: Any) -> Any:
    """Add the latents of a collection (``Jet_latent_0`` ...) to an RDataFrame."""
    return _define("DefineLatents", frame, autoencoder)


def define_decoded(frame: Any, autoencoder: Any, suffix: str = "") -> Any:
    """Add the columns decoded from the latents, under their names with `suffix`."""
    return _define("DefineDecoded", frame, autoencoder, suffix)


def define_reconstructed(frame: Any, autoencoder: Any, suffix: str = "_reco") -> Any:
    """Add the columns encoded and decoded (``Jet_pt_reco`` ...)."""
    return _define("DefineReconstructed", frame, autoencoder, suffix)


def from_darkmachines(
    path: str | os.PathLike[str],
    layout: Literal["nanoaod", "objects"] = "nanoaod",
    *,
    threads: int = 0,
    skip_bad_lines: bool = False,
) -> Any:
    """An RDataFrame that reads Dark Machines events (plain or gzip) as they are."""
    library = load().aeplugin
    return _call(
        library.rdf.FromDarkMachines, os.fspath(path), _reader_options(library, layout, skip_bad_lines, threads)
    )


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    layout: Literal["nanoaod", "objects"] = "nanoaod",
    ttree: bool = False,
    skip_bad_lines: bool = False,
    threads: int = 0,
    progress: Progress | None = None,
) -> tuple[int, int, list[str]]:
    """Convert Dark Machines events to an RNTuple (or TTree); gives events, bad lines and the first of their messages.

    Raises:
        InputError: a malformed line, unless `skip_bad_lines`; the message has file and line.
    """
    library = load().aeplugin
    options = _reader_options(library, layout, skip_bad_lines, threads)
    summary = _call(
        library.rdf.Convert, os.fspath(source), os.fspath(target), options, _format(library, ttree), _progress(progress)
    )
    return int(summary.fEvents), int(summary.fBadLines.fCount), [str(line) for line in summary.fBadLines.fFirst]


def compress(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    model: str | os.PathLike[str],
    *,
    tree: str = "",
    progress: Progress | None = None,
) -> int:
    """Compress a ROOT file with a model; gives the number of entries. See `aeplugin compress`."""
    library = load().aeplugin
    paths = [os.fspath(path) for path in (source, target, model)]
    return int(_call(library.rdf.Compress, *paths, tree, _progress(progress)))


def decompress(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    ttree: bool = False,
    progress: Progress | None = None,
) -> int:
    """Give back a plain ROOT file; gives the number of entries. See `aeplugin decompress`."""
    library = load().aeplugin
    paths = [os.fspath(path) for path in (source, target)]
    return int(_call(library.rdf.Decompress, *paths, _format(library, ttree), _progress(progress)))


def _define(function: str, frame: Any, *arguments: Any) -> Any:
    root = load()
    return _call(getattr(root.aeplugin.rdf, function), root.RDF.AsRNode(frame), *arguments)


def _format(library: Any, ttree: bool) -> Any:
    return library.rdf.TableFormat.kTTree if ttree else library.rdf.TableFormat.kRNTuple


def _reader_options(library: Any, layout: str, skip_bad_lines: bool, threads: int) -> Any:
    options = library.darkmachines.ReaderOptions()
    kinds = library.darkmachines.Layout
    options.fLayout = kinds.kObjects if layout == "objects" else kinds.kNanoAOD
    options.fSkipBadLines = skip_bad_lines
    options.fThreads = threads
    return options


def _progress(progress: Progress | None) -> Any:
    """An empty std::function where nobody listens."""
    return progress if progress is not None else load().aeplugin.rdf.Progress()


def _call(function: Any, *arguments: Any) -> Any:
    """Call C++ and raise its errors as the classes of `aeplugin.errors`."""
    try:
        return function(*arguments)
    except Exception as error:
        # PyROOT raises the C++ class itself, whose text begins with the signature of the function.
        kind = getattr(errors, type(error).__name__, None)
        if kind is None:
            raise
        raise kind(str(error.what())) from None  # type: ignore[attr-defined]
