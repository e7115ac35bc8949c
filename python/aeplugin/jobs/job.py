"""What a job is: one task over many files, as a YAML file says it."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from aeplugin.documents import Count, Strict, from_yaml, refuse_boolean
from aeplugin.errors import InputError, RecipeError
from aeplugin.jobs.trials import Objective, Scan, Search, combinations
from aeplugin.recipe import Codec, Name, Recipe
from aeplugin.remote import is_url

Task = Literal["convert", "train", "scan", "study", "compress", "score", "plot"]
ExecutorKind = Literal["local", "dask", "htcondor", "slurm"]
NotNegative = Annotated[int, Field(ge=0), BeforeValidator(refuse_boolean)]


def _size(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]+(\.[0-9]+)? ?[kMGT]i?B", value):
        raise ValueError("expected a size such as 2 GB")
    return value


Size = Annotated[str, BeforeValidator(_size)]
FileName = Annotated[str, StringConstraints(min_length=1)]
SampleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Samples = dict[SampleName, Annotated[list[FileName], Field(min_length=1)]]
"""For each sample of events its files and URLs. Names become those of files."""
MAX_TRIALS = 100_000

_TAKES: dict[Task, tuple[str, ...]] = {
    "convert": ("recipe", "tree", "layout", "ttree", "on_bad_line"),
    "train": ("recipe",),
    "scan": ("recipe", "scan", "search", "trials", "seed", "objective", "validate_on", "compression"),
    "study": ("recipe", "train", "test", "strangers"),
    "compress": ("recipe", "model", "tree", "codec", "compression"),
    "score": ("model", "tree"),
    "plot": ("recipe", "reconstructed"),
}
"""For each task the keys that say how it is done; any other would be ignored, and is refused."""
_NEEDS: dict[Task, tuple[str, ...]] = {
    "convert": (),
    "train": ("recipe",),
    "scan": ("recipe", "scan"),
    "study": ("recipe", "train", "test"),
    "compress": (),
    "score": ("model",),
    "plot": ("reconstructed",),
}


class Executor(Strict):
    """Where the parts of a job run."""

    kind: ExecutorKind = "local"
    workers: Count = Field(default=1, description="parts at a time")
    cores: Count = Field(default=1, description="cores of a worker, and threads of a part")
    retries: NotNegative = Field(default=2, description="how often a part starts again whose worker is lost")
    address: str | None = Field(default=None, description="of a dask scheduler that runs already")
    memory: Size = Field(default="2 GB", description="of a worker")
    disk: Size = Field(default="2 GB", description="of a worker's own disk (HTCondor)")
    gpus: NotNegative = Field(default=0, description="of a worker; request_gpus of HTCondor, --gres of Slurm")
    flavour: str | None = Field(default=None, description="+JobFlavour of HTCondor at CERN, such as longlunch")
    walltime: str | None = Field(default=None, description="of a Slurm job, HH:MM:SS")
    queue: str | None = Field(default=None, description="Slurm partition")
    account: str | None = Field(default=None, description="Slurm account")
    interface: str | None = Field(default=None, description="network interface between workers and scheduler")
    prologue: list[str] = Field(default=[], description="shell lines that a worker starts with")
    directives: dict[str, str] | list[str] = Field(
        default=[], description="more lines of the batch system: a mapping for HTCondor, a list for Slurm"
    )


class Job(Strict):
    """A job as its file says it; see docs/clusters.md."""

    task: Task
    inputs: list[FileName] = Field(
        default=[],
        min_length=1,
        description="files, globs and URLs; a name that ends in .txt is a list of them, one per line",
    )
    output: str = Field(min_length=1, description="a folder for all that the job makes")
    on_bad_input: Literal["stop", "skip"] = Field(default="stop", description="skip: count such files and go on")
    recipe: str | None = Field(default=None, description="a recipe file, or the name of a shipped one")
    model: str | None = Field(default=None, description="a model file")
    tree: str | None = Field(default=None, description="the TTree or RNTuple to read")
    codec: Codec | None = Field(default=None, description="default the recipe's")
    compression: str = Field(default="zstd:5", description="what ROOT compresses with")
    layout: Literal["nanoaod", "objects"] | None = Field(default=None, description="of converted events")
    ttree: bool = Field(default=False, description="convert to a TTree instead of an RNTuple")
    on_bad_line: Literal["stop", "skip"] = Field(default="stop", description="what a malformed line of text does")
    reconstructed: str | None = Field(
        default=None, description="plot: the folder with a compressed (or decompressed) file for every input"
    )
    scan: Scan = Field(
        default={},
        description="fields of the recipe, such as collections.Jet.network.latents, and values to try: a list, or, but "
        "for the grid, {low: 1e-4, high: 1e-2, log: true}",
    )
    search: Search = Field(
        default="grid", description="scan: all combinations, or as many as 'trials', by chance or as Optuna suggests"
    )
    trials: Annotated[Count, Field(le=MAX_TRIALS)] | None = Field(default=None, description="of random and optuna")
    seed: Annotated[NotNegative, Field(lt=2**32)] = Field(default=1, description="of random and optuna")
    objective: Objective = Field(default="bits", description="what ranks trials, and what optuna improves")
    validate_on: str | None = Field(default=None, description="scan: the file to compress; default the first input")
    train: Samples = Field(default={}, description="study: files to train on, by the name of the sample")
    test: Samples = Field(default={}, description="study: files to test each network on, by the name of the sample")
    strangers: list[Name] = Field(
        default=[], description="study: collections to test networks on that were not trained on such objects"
    )
    executor: Executor = Executor()

    @model_validator(mode="after")
    def _fits_its_task(self) -> Job:
        own = {key for keys in _TAKES.values() for key in keys}
        for key in sorted((own & self.model_fields_set) - set(_TAKES[self.task])):
            raise ValueError(f"the task {self.task} does not take {key!r}; it takes {', '.join(_TAKES[self.task])}")
        for key in _NEEDS[self.task]:
            if not getattr(self, key):
                raise ValueError(f"the task {self.task} needs {key!r}")
        if self.task == "compress" and self.recipe is None and self.model is None:
            raise ValueError("the task compress needs 'recipe' or 'model', which say how far values may move")
        if bool(self.inputs) == (self.task == "study"):
            words = "takes 'train' and 'test' instead of" if self.inputs else "needs"
            raise ValueError(f"the task {self.task} {words} 'inputs'")
        if self.task in ("train", "study") and self.on_bad_input == "skip":
            raise ValueError(f"the task {self.task} reads all inputs together, and cannot skip one of them")
        if self.task == "scan":
            self._check_scan()
        return self

    def _check_scan(self) -> None:
        if any(not values.number for values in self.scan.values()):
            raise ValueError("scan: each field needs a list of values to try, or a range")
        if self.search == "grid":
            if self.trials is not None:
                raise ValueError("scan: the search grid does all combinations; 'trials' is for random and optuna")
            if ranges := [field for field, values in self.scan.items() if values.is_range]:
                raise ValueError(f"scan: a grid takes lists, not the range of {ranges[0]}; search random or optuna")
            if combinations(self.scan) > MAX_TRIALS:
                raise ValueError(f"scan: more than {MAX_TRIALS:,} combinations; search random or optuna")
            return
        if self.trials is None:
            raise ValueError(f"scan: the search {self.search} needs 'trials', how many to do")
        if self.trials > combinations(self.scan):
            raise ValueError(
                f"scan: {self.trials:,} trials of {combinations(self.scan):,.0f} combinations; ask for fewer, or "
                "search the whole grid"
            )

    @staticmethod
    def from_file(path: str | Path) -> Job:
        """Read a job; names of files in it are relative to its own folder, and become absolute.

        Raises:
            RecipeError: the file is missing, not YAML, or breaks the schema.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path}: cannot read the job ({error})") from None
        job = from_yaml(Job, text, str(path), "a mapping with 'task', 'inputs' and 'output'")
        return job._absolute(Path(path).resolve().parent)

    def _absolute(self, folder: Path) -> Job:
        changes: dict[str, Any] = {"inputs": [join(folder, name) for name in self.inputs]}
        for key in ("output", "model", "reconstructed", "validate_on"):
            if (name := getattr(self, key)) is not None:
                changes[key] = join(folder, name)
        for key in ("train", "test"):
            samples = getattr(self, key)
            changes[key] = {name: [join(folder, file) for file in files] for name, files in samples.items()}
        if self.recipe is not None and (folder / self.recipe).exists():
            changes["recipe"] = str(folder / self.recipe)
        return self.model_copy(update=changes)

    def with_executor(self, kind: ExecutorKind | None = None, workers: int | None = None) -> Job:
        """The job with another kind of executor, or another number of workers."""
        changes = {key: value for key, value in {"kind": kind, "workers": workers}.items() if value is not None}
        return self.model_copy(update={"executor": self.executor.model_copy(update=changes)})

    def read_recipe(self) -> Recipe | None:
        """The recipe that the job names.

        Raises:
            RecipeError: there is no such recipe, or it breaks the schema.
        """
        return None if self.recipe is None else Recipe.from_file(self.recipe)


def check_name(name: str) -> str:
    """A name of a part, which becomes a path inside the job's folder.

    Raises:
        InputError: it would lead out of the folder, or into the job's own.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or parts[0] == ".aeplugin":
        raise InputError(f"{name!r}: no name for a part of a job")
    return name


def join(folder: Path, name: str) -> str:
    """A path or URL; a relative path as one from `folder`."""
    return name if is_url(name) else os.path.normpath(folder / os.path.expanduser(name))
