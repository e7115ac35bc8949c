"""What a compressed file tells about itself: per column promise, achievement and price, and where the bytes are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aeplugin
from aeplugin import _core
from aeplugin._core import Layer, Model
from aeplugin.compression import ALGORITHMS
from aeplugin.readers import BLOCKS, METADATA, open_file, reading
from aeplugin.remote import file_size
from aeplugin.rntuples import stored_bytes

_ALGORITHMS = {number: name for name, number in ALGORITHMS.items()}


@dataclass(frozen=True)
class ColumnFacts:
    """One column of a compressed file.

    Attributes:
        name, type: as in the original.
        tolerance: in words, such as "rel 0.02" or "exact".
        tolerance_value: the number in it, 0 for "exact".
        codec: "plain", "autoencoder" or "autoregressive", "" for a column that is kept as it is.
        prediction: the formula that its integers are differences to, or "".
        values: number of values; 0 for a column that is kept, where they are not counted.
        special: how many of them are special values, kept exactly.
        max_error: the largest error of all values, in the terms of the tolerance.
        integer_bytes: stored size of its integers, or of the whole column where it is kept.
        latent_bytes: its share of its collection's latents: as much as each other column that they predict.
        special_bytes: its share of the list of special values, by their number.
    """

    name: str
    type: str
    tolerance: str
    tolerance_value: float
    codec: str
    prediction: str
    values: int
    special: int
    max_error: float
    integer_bytes: int
    latent_bytes: float
    special_bytes: float

    @property
    def share_of_tolerance(self) -> float:
        """The largest error in tolerances; 0 for a column that is exact."""
        return self.max_error / self.tolerance_value if self.tolerance_value else 0.0

    def bits_per_value(self, size: float) -> float:
        """Bits per value of the column in `size` bytes; NaN where its values are not counted."""
        return 8 * size / self.values if self.values else float("nan")

    @property
    def bytes(self) -> float:
        """All that the column takes."""
        return self.integer_bytes + self.latent_bytes + self.special_bytes


@dataclass(frozen=True)
class PartFacts:
    """One of the files that a compressed file was made from; there are several in a merged one."""

    input_name: str
    input_bytes: int
    input_md5: str
    events: int
    aeplugin_version: str
    root_version: str


@dataclass(frozen=True)
class NetworkFacts:
    """The network of one collection."""

    collection: str
    columns: list[str]
    latents: int
    weights: int


@dataclass(frozen=True)
class Inspection:
    """Result of `inspect`.

    Attributes:
        sizes: stored bytes by what they are for; they add up to `file_bytes`. "the rest" is what ROOT needs to find
            the others, and is the same for a long file as for a short one, but for a little per block.
        networks: those of the model inside; none where no codec needs them.
        compression: what ROOT compressed the pages with, such as "zstd:5".
    """

    path: str
    file_bytes: int
    table: str
    events: int
    blocks: int
    format_version: int
    compression: list[str]
    columns: list[ColumnFacts]
    sizes: dict[str, int]
    networks: list[NetworkFacts]
    parts: list[PartFacts]
    recipe: str

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data, for JSON."""
        plain = asdict(self)
        for column, facts in zip(plain["columns"], self.columns, strict=True):
            column["bits_per_value"] = facts.bits_per_value(facts.bytes) if facts.values else None
        return plain


def compression_facts(source: str | Path, target: str | Path) -> dict[str, Any]:
    """What the compression of `source` to `target` did, as plain data.

    "worst" is the column whose largest error came nearest to its tolerance, None where nothing is lossy.

    Raises:
        InputError, CompatibilityError, CorruptionError: see `inspect`.
    """
    about = inspect(target)
    coded = [column for column in about.columns if column.codec and column.values]
    lossy = [column for column in coded if column.tolerance_value]
    worst = max(lossy, key=lambda column: column.share_of_tolerance, default=None)
    before, after = file_size(source), file_size(target)
    return {
        "table": about.table,
        "events": about.events,
        "source_bytes": before,
        "target_bytes": after,
        "ratio": before / after,
        "values": sum(column.values for column in coded),
        "worst": worst
        and {
            "column": worst.name,
            "tolerance": worst.tolerance,
            "tolerance_value": worst.tolerance_value,
            "max_error": worst.max_error,
        },
        "codecs": {column.name: column.codec for column in coded},
    }


def inspect(path: str | Path) -> Inspection:
    """What a compressed file tells about itself.

    Raises:
        InputError: the file is missing or no ROOT file.
        CompatibilityError: it is no compressed file, or one of a newer version.
        CorruptionError: its metadata are damaged.
    """
    compressed = aeplugin.open(path)
    parts = compressed.metadata
    first = parts[0]
    stored = stored_bytes(path)
    streams = _stream_bytes(first, stored[BLOCKS])
    file_bytes = file_size(path)
    metadata = dict(stored[METADATA])
    sizes = {
        "kept columns": sum(stored.get(_events_name(first), {}).values()),
        "coded columns": sum(size for (kind, _), size in streams.items() if kind == "column"),
        "latents": sum(size for (kind, _), size in streams.items() if kind == "latents"),
        "objects per event": sum(size for (kind, _), size in streams.items() if kind == "counts"),
        "special values": stored[BLOCKS]["special"],
        "checksums": stored[BLOCKS]["checksums"] + stored[BLOCKS]["events"],
        "model": metadata.pop("model"),
        "metadata": sum(metadata.values()),
    }
    sizes["the rest"] = file_bytes - sum(sizes.values())
    return Inspection(
        path=str(path),
        file_bytes=file_bytes,
        table=first["table"],
        events=sum(int(part["events"]) for part in parts),
        blocks=sum(int(part["blocks"]) for part in parts),
        format_version=int(first["format_version"]),
        compression=_compressions(path, (_events_name(first), BLOCKS)),
        columns=_columns(parts, streams, stored),
        sizes=sizes,
        networks=_networks(compressed.model),
        parts=[
            PartFacts(
                part["input_name"],
                int(part["input_bytes"]),
                part["input_md5"],
                int(part["events"]),
                part["aeplugin_version"],
                part["root_version"],
            )
            for part in parts
        ],
        recipe=first["recipe"],
    )


def _events_name(part: dict[str, Any]) -> str:
    """The RNTuple of events: that of the table, as far as an RNTuple can have its name."""
    return _core.field_names([part["table"]])[0]


def _stream_bytes(part: dict[str, Any], stored: dict[str, int]) -> dict[tuple[str, int], int]:
    """The bytes of the RNTuple of blocks by what they are: ("column", its index), ("latents" or "counts", group)."""
    owners = {_core.field_names([name])[0]: ("column", i) for i, name in enumerate(part["column_names"])}
    for group, name in enumerate(part["group_names"]):
        steps = part["group_latent_steps"][group]
        latents = _core.field_names([f"{name}_latent_{k}" for k in range(len(steps))])
        owners |= dict.fromkeys(latents, ("latents", group))
        owners[_core.field_names([f"{name}_counts"])[0]] = ("counts", group)
    found: dict[tuple[str, int], int] = {}
    for field, size in stored.items():
        # Lower bits stand apart in a field NAME_low; a name that was taken already ends with _.
        plain = field.rstrip("_")
        names = (field, field.removesuffix("_low"), plain, plain.removesuffix("_low"))
        owner = next((owners[name] for name in names if name in owners), None)
        if owner is not None:
            found[owner] = found.get(owner, 0) + size
    return found


def _columns(
    parts: list[dict[str, Any]], streams: dict[tuple[str, int], int], stored: dict[str, dict[str, int]]
) -> list[ColumnFacts]:
    first = parts[0]
    names = [str(name) for name in first["column_names"]]
    groups = [int(group) for group in first["column_groups"]]
    kept = [name for name, group in zip(names, groups, strict=True) if group < 0]
    kept_bytes = {c: stored[_events_name(first)][f] for c, f in zip(kept, _core.field_names(kept), strict=True)}
    special = [sum(int(part["column_special"][i]) for part in parts) for i in range(len(names))]
    special_size = stored[BLOCKS]["special"]
    facts = []
    for i, (name, group) in enumerate(zip(names, groups, strict=True)):
        is_coded = group >= 0
        kind, value = str(first["column_tolerances"][i]), float(first["column_tolerance_values"][i])
        facts.append(
            ColumnFacts(
                name=name,
                type=str(first["column_types"][i]),
                tolerance="exact" if kind == "exact" else f"{kind} {value:g}",
                tolerance_value=value,
                codec=str(first["group_codecs"][group]) if is_coded else "",
                prediction=str(first["column_formulas"][i]),
                values=sum(int(part["column_values"][i]) for part in parts),
                special=special[i],
                max_error=max(float(part["column_max_errors"][i]) for part in parts),
                integer_bytes=streams.get(("column", i), 0) if is_coded else kept_bytes[name],
                latent_bytes=streams.get(("latents", group), 0) / groups.count(group) if is_coded else 0.0,
                special_bytes=special_size * special[i] / sum(special) if special[i] else 0.0,
            )
        )
    return facts


def _networks(model: Model | None) -> list[NetworkFacts]:
    if model is None:
        return []
    return [
        NetworkFacts(
            network.name,
            network.column_names,
            len(network.latent_names),
            sum(_weights(layer) for layer in [*network.encoder, *network.decoder]),
        )
        for network in model.collections
    ]


def _weights(layer: Layer) -> int:
    """The numbers that training finds in a layer."""
    norm = [values.size for values in (layer.gains, layer.shifts) if values is not None]
    return layer.weights.size + layer.biases.size + sum(norm)


def _compressions(path: str | Path, tables: tuple[str, ...]) -> list[str]:
    """With what the pages of some RNTuples are compressed, in ROOT's words."""
    file = open_file(path)
    with reading(path):
        numbers = {
            int(pages.compression_settings)
            for table in tables
            for pagelist in file[table].page_link_list
            for pages in pagelist
            if pages.compression_settings is not None
        }
    return [f"{_ALGORITHMS[n // 100]}:{n % 100}" if n // 100 in _ALGORITHMS else "none" for n in sorted(numbers)]
