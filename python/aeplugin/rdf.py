"""aeplugin in PyROOT: RDataFrame steps and whole files, through the compiled ROOT glue.

    >>> import aeplugin.rdf
    >>> jets = aeplugin.rdf.open_autoencoder("jets.model")
    >>> frame = aeplugin.rdf.define_reconstructed(ROOT.RDataFrame("events", "events.root"), jets)
    >>> aeplugin.rdf.open("compressed.root").Histo1D("Jet_pt")

The first use compiles the glue for the ROOT at hand (two minutes or so, once; see `aeplugin.glue`).
"""

from __future__ import annotations

import ctypes
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from aeplugin import config, errors, glue
from aeplugin._core import Model
from aeplugin.compilation import compile_recipe
from aeplugin.compression import Compression, compression_number
from aeplugin.errors import InputError
from aeplugin.interrupts import deferred
from aeplugin.recipe import Recipe
from aeplugin.record_blocks import RecordColumn, check_name, record_columns

Progress = Callable[[float], None]
Engine = Literal["native", "onnx", "torch"]

_ERRORS = ("CompatibilityError", "CorruptionError", "InputError", "ModelError", "OutputError", "RecipeError")
_HEADERS = tuple(
    f"rdf/{name}.hxx"
    for name in ("define", "darkmachines_source", "files", "functors", "information", "open", "table_file")
)
# PyROOT hides what an overloaded function throws in a TypeError about all overloads.
_OPEN = """
namespace aeplugin::python {
ROOT::RDataFrame OpenFiles(const std::vector<std::string> &paths) { return Open(paths); }
}
"""


@dataclass(frozen=True)
class VerifiedColumn:
    """How a column of a compressed file compares with the original.

    Attributes:
        name: the column.
        values: how many were compared.
        violations: how many of them moved further than the recipe allows.
        max_error: the largest error in the terms of the tolerance (relative for `rel`), of the values that moved.
        first: the first violation in words, or "".
    """

    name: str
    values: int
    violations: int
    max_error: float
    first: str


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
    if not ROOT.gInterpreter.Declare(_OPEN):
        raise errors.CompatibilityError(f"ROOT {ROOT.gROOT.GetVersion()} cannot compile what opens compressed files")
    # Of all vectors that columns can have, AsNumpy would find only this one unknown.
    ROOT.gInterpreter.Declare("template class ROOT::VecOps::RVec<std::int8_t>;")
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


def define_scores(frame: Any, autoencoder: Any) -> Any:
    """Add how badly the autoencoder reconstructs a collection: ``Jet_score``, one per object, and ``Jet_event_score``.

    They are those of `Autoencoder.reconstruction_errors` and `_core.event_scores`, bit for bit.
    """
    return _define("DefineScores", frame, autoencoder)


def define_information(frame: Any, model: str | os.PathLike[str] | Model) -> Any:
    """Add the bits that events take by a model's density: ``event_bits``, and ``Jet_bits``, one per object, and so on.

    They are those of `aeplugin.information.EventBits` as float32, and of `aeplugin score`, bit for bit.

    Args:
        model: a model or the path of one.

    Raises:
        ModelError: the model has no density, or one of columns of other types.
        RecipeError: the frame lacks a column of the density.
    """
    chosen = model if isinstance(model, Model) else Model.from_file(os.fspath(model))
    return _define("DefineInformation", frame, _call(load().aeplugin.Model.FromBytes, chosen.to_bytes()))


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


def convert_table(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    tree: str = "",
    columns: Sequence[str] = (),
    ttree: bool = False,
    compression: Compression = "zstd",
    level: int = 5,
    threads: int = 0,
    progress: Progress | None = None,
) -> int:
    """Copy a TTree or RNTuple to a file of its own without any loss; gives the number of events.

    In an RNTuple "_" stands for what the names of its fields must not contain, such as the dot of
    ``AnalysisJetsAuxDyn.pt``, and vectors for arrays with a counter.

    Args:
        tree: the TTree or RNTuple to copy; default the only one in the file.
        columns: names of those to copy; default all.
        ttree: write a TTree instead of an RNTuple.

    Raises:
        InputError: `source` cannot be read or changes meanwhile, lacks one of the `columns`, or has others that cannot
            be copied; the message names them.
    """
    library = load().aeplugin
    options = _options(library.rdf.CopyOptions(), compression, level, progress)
    options.fTree = tree
    options.fColumns = _strings(columns)
    options.fFormat = _format(library, ttree)
    options.fThreads = threads
    return int(_call(library.rdf.CopyTable, os.fspath(source), os.fspath(target), options))


def write_table(
    target: str | os.PathLike[str],
    blocks: Iterable[Any],
    *,
    table: str = "events",
    ttree: bool = False,
    compression: Compression = "zstd",
    level: int = 5,
) -> int:
    """Write blocks of events as an RNTuple (or TTree), in their order; gives the number of events.

    Args:
        blocks: awkward arrays of records, one for each event, with fields of numbers or booleans, or of lists of them;
            all with the fields and types of the first. A block may be empty.
        table: its name.

    Raises:
        InputError: there is no block, a field is of another type, or a block differs from the first.
    """
    check_name(table, f"{os.fspath(target)}: table")
    root = load()
    path, file, schema = os.fspath(target), None, dict[str, str]()
    number = compression_number(compression, level)
    try:
        for count, block in enumerate(blocks):
            columns = record_columns(block, f"{path}: block {count}")
            found = {name: column.type_name for name, column in columns.items()}
            for name in found:
                check_name(name, f"{path}: column")
            if file is None:
                schema = found
                options = root.aeplugin.rdf.TableFile.Options()
                options.fFormat, options.fCompression = _format(root.aeplugin, ttree), number
                names, types = _strings(list(schema)), _strings(list(schema.values()))
                file = _call(root.aeplugin.rdf.TableFile, path, table, names, types, options)
            elif found != schema:
                raise InputError(f"{path}: block {count} has {_difference(found, schema)}, unlike the first")
            _write_block(file, len(block), [columns[name] for name in schema])
        if file is None:
            raise InputError(f"{path}: there is no block of events to write; expected one or more, perhaps empty")
        return int(_call(file.Finish))
    finally:
        if file is not None:
            file.__destruct__()  # removes what is not finished


def _write_block(file: Any, events: int, columns: Sequence[RecordColumn]) -> None:
    _call(file.Begin, events)
    for index, column in enumerate(columns):
        if column.counts is None:
            _call(file.SetValues, index, _pointer(column.values))
        else:
            counts = column.counts.ctypes.data_as(ctypes.POINTER(ctypes.c_uint64))
            _call(file.SetVectors, index, _pointer(column.values), counts)
    _call(file.Write)


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    """Where an array is; PyROOT takes no empty ones."""
    return ctypes.c_void_p(array.ctypes.data)


def _difference(found: dict[str, str], expected: dict[str, str]) -> str:
    """What is not as expected in the columns of a block: the first that differs."""
    for name, kind in found.items():
        if expected.get(name) != kind:
            return f"a column {name!r} of type {kind}"
    return f"no column {next(name for name in expected if name not in found)!r}"


def compress(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    model: str | os.PathLike[str] | Model | Recipe,
    *,
    tree: str = "",
    entries: tuple[int, int] | None = None,
    compression: Compression = "zstd",
    level: int = 5,
    threads: int = 0,
    progress: Progress | None = None,
) -> int:
    """Compress a ROOT file, every value within its tolerance; gives the number of events. See `aeplugin compress`.

    Args:
        model: the path of a model file, a model, or a recipe, which is then matched with the columns of `source`.
        tree: the TTree or RNTuple to compress; default the recipe's, else the only one in the file.
        entries: compress only the events from the first to before the second; default all. The file remembers which
            they are, for `verify`.
        compression, level: of ROOT, on top; level 1 to 9.
        threads: 0 for one per core, at most 8.
        progress: called with the fraction that is done.

    Raises:
        RecipeError: `source` lacks a column, or a tolerance is for one that cannot be lossy.
        InputError: `source` cannot be read, changes while it is read or has not the `entries`, or `target` would
            replace it.
        ModelError: the codec `autoencoder` is asked for and the model has no network that fits.
    """
    library = load().aeplugin
    if isinstance(model, Recipe):
        model = compile_recipe(model, os.fspath(source), tree or None)
    elif not isinstance(model, Model):
        model = Model.from_file(os.fspath(model))
    options = _options(library.rdf.CompressOptions(), compression, level, progress)
    options.fTree = tree or Recipe.from_text(model.recipe, "the model's recipe").tree or ""
    options.fThreads = threads
    if entries is not None:
        first, last = entries
        if not 0 <= first <= last:
            raise InputError(f"{os.fspath(source)}: got entries {first} to {last}; expected 0 <= first <= last")
        options.fFirstEvent, options.fLastEvent = first, last
    rules = _call(library.Model.FromBytes, model.to_bytes())
    return int(_call(library.rdf.Compress, os.fspath(source), os.fspath(target), rules, options))


def decompress(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    ttree: bool = False,
    compression: Compression = "zstd",
    level: int = 5,
    threads: int = 0,
    progress: Progress | None = None,
) -> int:
    """Give back a plain ROOT file; gives the number of events. See `aeplugin decompress`.

    Raises:
        CompatibilityError: `source` is no compressed file, or one of a newer version.
        CorruptionError: it is damaged.
    """
    library = load().aeplugin
    options = _options(library.rdf.DecompressOptions(), compression, level, progress)
    options.fFormat = _format(library, ttree)
    options.fThreads = threads
    return int(_call(library.rdf.Decompress, os.fspath(source), os.fspath(target), options))


def merge(
    sources: Sequence[str | os.PathLike[str]],
    target: str | os.PathLike[str],
    *,
    compression: Compression = "zstd",
    level: int = 5,
    progress: Progress | None = None,
) -> int:
    """Put compressed files into one without decoding them; gives the number of events. See `aeplugin merge`.

    Raises:
        CompatibilityError: their columns, codecs or tolerances differ.
    """
    library = load().aeplugin
    options = _options(library.rdf.MergeOptions(), compression, level, progress)
    return int(_call(library.rdf.Merge, _paths(sources), os.fspath(target), options))


def verify(
    path: str | os.PathLike[str],
    originals: Sequence[str | os.PathLike[str]] = (),
    *,
    threads: int = 0,
    progress: Progress | None = None,
) -> list[VerifiedColumn]:
    """Decode all of a compressed file and check its checksums; with originals, compare every value with them.

    Args:
        originals: the file that was compressed; for a merged file those of all parts, in its order, or one for parts
            that follow each other in it.

    Returns:
        One item per column, in the order of the file; without originals no values are compared.

    Raises:
        CorruptionError: the file is damaged.
        InputError: the originals have other events or columns.
    """
    library = load().aeplugin
    columns = _call(library.rdf.Verify, os.fspath(path), _paths(originals), threads, _progress(progress))
    return [
        VerifiedColumn(
            name=str(column.fName),
            values=int(column.fComparison.fValues),
            violations=int(column.fComparison.fViolations),
            max_error=float(column.fComparison.fMaxError),
            first=str(column.fComparison.fFirst),
        )
        for column in columns
    ]


def open(path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> Any:
    """An RDataFrame over one compressed file or several, whose columns have their original names and types.

    Columns are decoded as they are read, whole blocks at a time, and only those that are used. The values are those
    that `decompress` gives.

    Raises:
        CompatibilityError: a file is no compressed one, or its columns differ from those of the first.
        CorruptionError: a file is damaged.
    """
    paths = [path] if isinstance(path, str | os.PathLike) else path
    return _call(load().aeplugin.python.OpenFiles, _paths(paths))


def _define(function: str, frame: Any, *arguments: Any) -> Any:
    root = load()
    return _call(getattr(root.aeplugin.rdf, function), root.RDF.AsRNode(frame), *arguments)


def _format(library: Any, ttree: bool) -> Any:
    return library.rdf.TableFormat.kTTree if ttree else library.rdf.TableFormat.kRNTuple


def _options(options: Any, compression: Compression, level: int, progress: Progress | None) -> Any:
    """Fill what the options of all functions on files have in common."""
    options.fCompression = compression_number(compression, level)
    if progress is not None:
        options.fProgress = _progress(progress)
    return options


def _paths(paths: Sequence[str | os.PathLike[str]]) -> Any:
    return _strings([os.fspath(path) for path in paths])


def _strings(texts: Sequence[str]) -> Any:
    return load().std.vector["std::string"](list(texts))


def _reader_options(library: Any, layout: str, skip_bad_lines: bool, threads: int) -> Any:
    options = library.darkmachines.ReaderOptions()
    kinds = library.darkmachines.Layout
    options.fLayout = kinds.kObjects if layout == "objects" else kinds.kNanoAOD
    options.fSkipBadLines = skip_bad_lines
    options.fThreads = threads
    return options


_listener: Progress | None = None
"""The progress function of the call that runs: C++ does not keep it alive."""
_deliver: Callable[[], None] | None = None
"""Handles the signals that have come during the call that runs."""
_raised: list[BaseException] = []
"""What a progress function raised (Ctrl-C above all), which C++ turns into an error of its own on its way."""


def _progress(progress: Progress | None) -> Any:
    """An std::function, empty where nobody listens."""
    global _listener
    if progress is None:
        return load().aeplugin.rdf.Progress()

    def listen(fraction: float) -> None:
        try:
            if _deliver is not None:
                _deliver()
            progress(fraction)
        except BaseException as error:
            _raised.append(error)
            raise

    _listener = listen
    return load().aeplugin.rdf.Progress(listen)


def _call(function: Any, *arguments: Any) -> Any:
    """Call C++ and raise its errors as the classes of `aeplugin.errors`."""
    global _deliver
    _raised.clear()
    outer = _deliver
    try:
        with deferred() as _deliver:
            return function(*arguments)
    except Exception as error:
        if _raised:
            raise _raised.pop(0) from None
        # PyROOT raises the C++ class itself, whose text begins with the signature of the function.
        kind = getattr(errors, type(error).__name__, None)
        if kind is None:
            raise
        raise kind(str(error.what())) from None  # type: ignore[attr-defined]
    finally:
        _deliver = outer
