"""The C++ core of aeplugin. Use it through the modules of the package."""

import enum
from collections.abc import Mapping, Sequence
from typing import Any, Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__version__: str

class Error(RuntimeError):
    """Every error of aeplugin."""

class RecipeError(Error):
    """A recipe that cannot be used: a misspelt key, a column that the file does not have."""

class InputError(Error):
    """Input data that cannot be read: a missing file, a malformed line."""

class OutputError(InputError):
    """A file that cannot be written: a full disk, a folder without permission."""

class CompatibilityError(Error):
    """A file, model or library of a version or kind that this build cannot use."""

class CorruptionError(Error):
    """A file that is damaged: a wrong checksum, a truncated section."""

class ModelError(Error):
    """A model that is no model, does not fit the data, or whose engine is missing."""

def nearest(name: str, known: Sequence[str]) -> str:
    """The end of an error message about an unknown name: the nearest known one, or the first few."""

# Not Python's enum, but its members compare, hash and print like those.
class Activation(enum.Enum):
    linear = 0
    tanh = 1
    relu = 2
    leaky_relu = 3
    elu = 4
    silu = 5
    gelu = 6

class Transform(enum.Enum):
    linear = 0
    log10 = 1
    quantile = 2
    circle = 3
    label = 4

@final
class Layer:
    """A dense layer: activation(y) with y = weights @ x + biases.

    Where there are gains, with layer norm: activation(gains * (y - mean) / sqrt(variance + 1e-5) + shifts), mean and
    variance (of the population) being those of the object's y.
    """

    def __init__(
        self,
        weights: ArrayLike,
        biases: ArrayLike,
        activation: Activation,
        gains: ArrayLike | None = None,
        shifts: ArrayLike | None = None,
    ) -> None: ...
    @property
    def weights(self) -> NDArray[np.float32]:
        """float32, shape (outputs, inputs)"""
    @property
    def biases(self) -> NDArray[np.float32]:
        """float32, shape (outputs,)"""
    @property
    def activation(self) -> Activation: ...
    @property
    def gains(self) -> NDArray[np.float32] | None:
        """float32, shape (outputs,), or None"""
    @property
    def shifts(self) -> NDArray[np.float32] | None:
        """float32, shape (outputs,), or None"""

@final
class ModelColumn:
    """One variable and how it enters a network: standardised = (transform(x) - mean) / scale.

    The transforms are x (linear), log10(factor * x + offset), the piecewise linear map through knots (quantile), the
    pair cos(x - mean), sin(x - mean) (circle), and nothing for the label, an integer that networks are told.
    """

    def __init__(
        self,
        variable: str,
        column: str,
        transform: Transform,
        mean: float = 0,
        scale: float = 1,
        factor: float = 1,
        offset: float = 0,
        knots: tuple[ArrayLike, ArrayLike] | None = None,
        labels: Sequence[int] = (),
    ) -> None:
        """
        Args:
            factor, offset: of log10 only.
            knots: of quantile only: values and what they are mapped to, 2 to 4096 of both, increasing.
            labels: of the label only: its categories, 1 to 256, increasing, up to 2^24 in size.
        """
    @property
    def variable(self) -> str: ...
    @property
    def column(self) -> str: ...
    @property
    def transform(self) -> Transform: ...
    @property
    def mean(self) -> float: ...
    @property
    def scale(self) -> float: ...
    @property
    def factor(self) -> float: ...
    @property
    def offset(self) -> float: ...
    @property
    def knots(self) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Two float32 arrays of shape (knots,), or None"""
    @property
    def labels(self) -> tuple[int, ...]: ...
    @property
    def features(self) -> int:
        """How many inputs of the network it is: 1, or 2 of a circle, or 0 of a label"""

@final
class CollectionModel:
    """The autoencoder of one collection.

    Its networks run between features, the inputs that its columns are, and latents. A label, the last column where
    there is one, passes by: it stands among the columns and, as the last one, among the latents.
    """

    def __init__(
        self,
        name: str,
        columns: Sequence[ModelColumn],
        encoder: Sequence[Layer],
        decoder: Sequence[Layer],
        condition: Literal["none", "encoder", "decoder", "both"] | str = "none",
    ) -> None:
        """
        Args:
            encoder: features, and one input for each category where it is told the label, to latents.
            decoder: latents, and one input for each category where it is told the label, to features.
            condition: which networks are told the label.

        Raises ModelError for an unknown condition; whether the parts fit together is checked by Model and Autoencoder.
        """
    @property
    def name(self) -> str: ...
    @property
    def columns(self) -> list[ModelColumn]: ...
    @property
    def encoder(self) -> list[Layer]: ...
    @property
    def decoder(self) -> list[Layer]: ...
    @property
    def condition(self) -> Literal["none", "encoder", "decoder", "both"]: ...
    @property
    def column_names(self) -> list[str]: ...
    @property
    def latent_names(self) -> list[str]: ...

def standardise(columns: Sequence[ModelColumn], values: ArrayLike) -> NDArray[np.float32]:
    """What an encoder gives its network; shape (objects, features). A label is passed over.

    Args:
        values: float32, shape (objects, columns), in the units of the file.

    Raises ModelError for columns that a model cannot have, or values of another shape.
    """

def restore(columns: Sequence[ModelColumn], features: ArrayLike) -> NDArray[np.float32]:
    """What a decoder makes of what its network gives: columns without the label, in the units of the file.

    Args:
        features: float32, shape (objects, features).

    Raises ModelError for columns that a model cannot have, or features of another shape.
    """

@final
class Model:
    """A recipe and the networks trained with it; see docs/model-file.md."""

    def __init__(
        self,
        recipe: str,
        rules: Mapping[str, Any],
        training: str = "",
        collections: Sequence[CollectionModel] = (),
        density: Density | None = None,
    ) -> None:
        """
        Args:
            recipe: YAML text.
            rules: what aeplugin.recipe_resolution.to_rules gives for the same recipe.
            training: JSON text.
            collections: networks; none where every codec is plain.
            density: for the codec autoregressive.
        """
    @staticmethod
    def from_file(path: str) -> Model: ...
    @staticmethod
    def from_bytes(data: bytes, where: str = "model") -> Model: ...
    def to_bytes(self) -> bytes: ...
    def save(self, path: str) -> None: ...
    def collection(self, name: str) -> CollectionModel: ...
    @property
    def recipe(self) -> str:
        """YAML text"""
    @property
    def training(self) -> str:
        """JSON text"""
    @property
    def collections(self) -> list[CollectionModel]: ...
    @property
    def density(self) -> Density | None: ...

@final
class DensityFeature:
    """One of the numbers that the network of a variable is given: raw * factor + offset; see docs/model-file.md."""

    def __init__(
        self,
        source: Literal[
            "event",
            "count",
            "index",
            "remaining",
            "own",
            "back",
            "first",
            "missing",
            "activity",
            "longitudinal",
            "phase",
        ]
        | str,
        view: Literal["linear", "equals", "size", "cosine", "sine", "separation"] | str = "linear",
        variable: int = 0,
        back: int = 0,
        category: int = 0,
        factor: float = 1,
        offset: float = 0,
    ) -> None:
        """Raises ModelError for an unknown source or view; what goes together is checked by Model."""
    @property
    def source(self) -> str: ...
    @property
    def view(self) -> str: ...
    @property
    def variable(self) -> int: ...
    @property
    def back(self) -> int: ...
    @property
    def category(self) -> int: ...
    @property
    def factor(self) -> float: ...
    @property
    def offset(self) -> float: ...

@final
class DensityVariable:
    """One of the integers of an event, and what its probability depends on; see docs/model-file.md."""

    def __init__(
        self,
        group: str,
        variable: str,
        column: str,
        kind: Literal["exact", "abs", "rel"] | str = "exact",
        tolerance: float = 0,
        double: bool = False,
        location: Literal["none", "formula", "direction", "previous"] | str = "none",
        formula: str = "",
        periodic: bool = False,
        first: int = 0,
        range: int = 0,
        shift: int = 0,
        descending: bool = False,
        within: int | None = None,
        atoms: Sequence[int] = (),
        middle: float = 0,
        spread: float = 1,
        features: Sequence[DensityFeature] = (),
        network: Sequence[Layer] = (),
    ) -> None:
        """
        Args:
            variable: in the recipe; "" for the number of objects of the group, which has no column.
            double: whether the column is of type double.
            descending: whether the range ends at the integer of the object before.
            within: index of the variable in which these two must agree for that.
            network: none where the density is to be trained.

        Raises ModelError for an unknown kind or location; what goes together is checked by Model.
        """
    @property
    def group(self) -> str: ...
    @property
    def variable(self) -> str: ...
    @property
    def column(self) -> str: ...
    @property
    def kind(self) -> Literal["exact", "abs", "rel"]: ...
    @property
    def tolerance(self) -> float: ...
    @property
    def double(self) -> bool: ...
    @property
    def location(self) -> Literal["none", "formula", "direction", "previous"]: ...
    @property
    def formula(self) -> str: ...
    @property
    def periodic(self) -> bool: ...
    @property
    def first(self) -> int: ...
    @property
    def range(self) -> int: ...
    @property
    def shift(self) -> int: ...
    @property
    def descending(self) -> bool: ...
    @property
    def within(self) -> int | None: ...
    @property
    def atoms(self) -> list[int]: ...
    @property
    def middle(self) -> float: ...
    @property
    def spread(self) -> float: ...
    @property
    def features(self) -> list[DensityFeature]: ...
    @property
    def network(self) -> list[Layer]: ...
    @property
    def categories(self) -> int:
        """Outputs of the network that are logits: of the atoms, and of the range beside them"""
    @property
    def slices(self) -> int:
        """That its network cuts the range into, 1 to 16; 0 where there is no range or no network"""
    def outputs(self, slices: int) -> int:
        """Of a network that cuts the range into so many slices"""

@final
class Density:
    """The probability of an event's grid integers, one after the other, each given all before."""

    def __init__(
        self,
        variables: Sequence[DensityVariable],
        momenta: Sequence[tuple[int, int, int | None]] = (),
        missing: tuple[int, int] | None = None,
    ) -> None:
        """
        Args:
            variables: in coding order: those of events, numbers of objects, those of objects.
            momenta: indices of pt, phi and eta of collections; eta may be None.
            missing: indices of size and angle of the missing momentum.
        """
    @property
    def variables(self) -> list[DensityVariable]: ...
    @property
    def momenta(self) -> list[tuple[int, int, int | None]]: ...
    @property
    def missing(self) -> tuple[int, int] | None: ...

def density_context(
    density: Density, grids: Sequence[NDArray[np.int32]]
) -> list[tuple[NDArray[np.float32], NDArray[np.int32]]]:
    """For each variable its raw features, shape (integers, features), and what is coded of its integers.

    Raw features are those before factor and offset, NaN where there is nothing. What is coded are integers counted from
    their location, or marks; INT32_MIN + 100 stands for what can only escape.

    Args:
        density: may be without networks.
        grids: of each variable its grid integers, those of all events and objects one after the other.

    Raises ModelError for a density that is none, InputError for grids that do not go together.
    """

def density_encode(
    density: Density, grids: Sequence[NDArray[np.int32]], instruction_set: str = ""
) -> list[tuple[bytes, NDArray[np.int32]]]:
    """For each variable its stream: bytes, and the integers that escape."""

def density_decode(
    density: Density, events: int, streams: Sequence[tuple[bytes, NDArray[np.int32]]], instruction_set: str = ""
) -> list[NDArray[np.int32]]:
    """The grid integers of streams; CorruptionError for what density_encode does not give."""

@final
class Engine:
    """Runs one half of an autoencoder."""

    def __call__(self, values: ArrayLike) -> NDArray[np.float32]:
        """Run float32 values of shape (objects, inputs); gives shape (objects, outputs)."""

@final
class Autoencoder:
    """Encoder and decoder of one collection, in the units of the file."""

    def __init__(self, model: CollectionModel, instruction_set: str = "") -> None: ...
    @staticmethod
    def open(
        path: str, collection: str = "", engine: Literal["native", "onnx", "torch"] | str = "native"
    ) -> Autoencoder: ...
    @property
    def model(self) -> CollectionModel: ...
    @property
    def encoder(self) -> Engine: ...
    @property
    def decoder(self) -> Engine: ...
    def reconstruction_errors(self, values: ArrayLike) -> NDArray[np.float32]:
        """How unlike what the network was trained on objects are; shape (objects,).

        For each the mean over its features of (decoded - given)^2, both standardised; NaN for an object with a value
        that is not finite, or has no logarithm where the model takes one. Always on the reference kernels: the same
        bits on every machine and in every batch.

        Args:
            values: float32, shape (objects, columns), in the units of the file.
        """

def event_scores(errors: ArrayLike, counts: ArrayLike) -> NDArray[np.float32]:
    """The score of events: the mean of the errors of their objects, in double precision; 0 for an event without any.

    Args:
        errors: of the objects of all events, shape (objects,).
        counts: how many objects each event has, int64, shape (events,).

    Raises InputError where the counts do not add up to the number of errors.
    """

@final
class DarkMachinesReader:
    """Streams Dark Machines events; see aeplugin.darkmachines."""

    def __init__(
        self,
        path: str,
        *,
        objects: bool = False,
        threads: int = 0,
        block_bytes: int = 4194304,
        skip_bad_lines: bool = False,
    ) -> None: ...
    def next(self) -> dict[str, Any] | None:
        """The next block, None at the end of the file.

        {"events": n, "columns": {name: values}, "offsets": {collection: offsets}}; processes are a list of str.
        """
    @property
    def columns(self) -> list[tuple[str, str | None]]:
        """For each column its name and its collection, None for a column of the event."""
    @property
    def bad_lines(self) -> tuple[int, list[str]]:
        """How many malformed lines were skipped, and the messages of the first ten."""

def no_events(*, objects: bool = False) -> dict[str, Any]:
    """A block without events, as DarkMachinesReader.next would give it."""

def write_atomically(path: str, data: bytes) -> None:
    """Write a file that appears under its name only when it is complete."""

def instruction_sets() -> list[str]:
    """Those of the reference kernels that this CPU has, best first."""

def object_kinds() -> list[str]:
    """The object names in the order of the codes in Object_kind."""

@final
class Quantiser:
    """Values of a column as multiples of a tolerance; see docs/format.md."""

    def __init__(
        self,
        kind: Literal["abs", "rel"] | str,
        tolerance: float,
        dtype: Literal["float32", "float64"] | str,
        sentinels: Sequence[float] = (),
        instruction_set: str = "",
    ) -> None: ...
    def encode(self, values: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.uint64], dict[str, Any]]:
        """Grid integers, the bits of values kept exactly, and {"values", "special", "max_error"}; shape (n,).

        Raises InputError for values of another type than the column's.
        """
    def decode(self, grid: ArrayLike, exact: ArrayLike) -> NDArray[Any]:
        """The values again, in the column's type; CorruptionError for what encode does not give."""
    def nearest(self, values: ArrayLike, otherwise: int) -> NDArray[np.int32]:
        """The grid integer nearest to each value, unchecked; `otherwise` for what has none."""
    def value(self, grid: ArrayLike) -> NDArray[np.float64]:
        """What grid integers stand for before rounding to the column's type; NaN for marks."""

GRID_LIMIT: int
EXACT_MARK: int
SENTINEL_MARK: int

@final
class Formula:
    """An arithmetic expression of columns; see docs/format.md."""

    def __init__(self, text: str) -> None: ...
    @property
    def text(self) -> str: ...
    @property
    def variables(self) -> list[str]:
        """The names in it, each once, in the order of their first use."""
    def evaluate(self, inputs: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
        """Its values for float64 arrays of one length; other inputs than its variables are ignored."""

FORMAT_VERSION: int
"""Of the compressed files that this version writes; see docs/format.md."""

@final
class Decoder:
    """Decodes the blocks of one part of a compressed file from what uproot reads of it; see aeplugin.compressed."""

    def __init__(self, metadata: Mapping[str, Any], model: Model | None, where: str) -> None:
        """
        Args:
            metadata: an entry of the RNTuple "aeplugin", by field, as plain values.
            model: that of the part, or of the nearest part before that has one.
            where: names the file in errors.

        Raises CompatibilityError for a newer version, CorruptionError for wrong checksums or contradictions.
        """
    def fields_for(self, columns: Sequence[int]) -> list[str]:
        """The fields of a block, besides events, checksums and special, that decoding these columns takes."""
    def decode(
        self,
        events: int,
        checksums: ArrayLike,
        special: bytes,
        fields: Mapping[str, ArrayLike],
        kept: Mapping[int, tuple[Any, Sequence[ArrayLike]]],
        columns: Sequence[int],
        where: str,
    ) -> dict[int, tuple[NDArray[Any], list[NDArray[np.uint64]]]]:
        """Values and offsets of those of the columns that are compressed, after a check of the checksums of all.

        Args:
            fields: those that `fields_for` names.
            kept: the values and offsets (uint64, one array per level) of those that are kept as they are; booleans as
                uint8, strings as a list of bytes or str.

        Raises CorruptionError where checksums differ or sizes do not fit.
        """

@final
class EventInformation:
    """How many bits events take by the density of a model; `aeplugin.information` wraps it."""

    def __init__(self, model: Model, columns: Sequence[tuple[str, str]], instruction_set: str = "") -> None:
        """
        Args:
            columns: names and types of those that `count` is given, with all of `columns_of` among them.

        Raises ModelError where the model has no density, or one of columns of other types; RecipeError for a column
        that is not there.
        """
    @staticmethod
    def columns_of(model: Model) -> list[str]:
        """The columns of a model's density. Raises ModelError where it has none."""
    @property
    def collections(self) -> list[str]:
        """Those with objects, in coding order."""
    def count(
        self, events: int, columns: Sequence[tuple[ArrayLike, Sequence[NDArray[np.uint64]]]]
    ) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """The bits of each event, and of each object by collection.

        Args:
            columns: values of the very types, booleans as uint8, and offsets: one array where events have lists.

        Raises InputError where values are of another type, or lengths do not fit together.
        """

def field_names(columns: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Names under which an RNTuple can hold columns, none of which is among `taken`."""
