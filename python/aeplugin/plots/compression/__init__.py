"""Where the bits are: of each column for each codec, of each file, and of other compressors at the same tolerances."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from aeplugin.plots.compression import stored_sizes
from aeplugin.plots.compression.bars import draw_bits, draw_files
from aeplugin.plots.compression.peers import benchmark_plots, file_plots
from aeplugin.plots.compression.stored_sizes import Bar, Stored
from aeplugin.plots.inputs import Context
from aeplugin.plots.pairs import Group
from aeplugin.plots.plot import Cell, Plot, Section, Table
from aeplugin.remote import base_name, file_size

_log = logging.getLogger(__name__)


def compression_plots(context: Context) -> Iterator[Plot | Table]:
    """Bits per column, bytes per file, size against error and speed against size, as far as there is what they need."""
    files = stored_sizes.read_stored(context)
    objects = {group.name: stored_sizes.objects_of(group, files) for group in context.groups}
    groups = [group for group in context.groups if objects[group.name]]
    peers = list(benchmark_plots(context, files, groups, objects))
    if files:
        original = stored_sizes.original_bytes(context.pair.original, context.pair.tree)
        found = {group.name: stored_sizes.bars(group, objects[group.name], files, original) for group in groups}
        for group in groups:
            if group.single or len(group.files) > 1:  # one column alone is in the table
                yield _bits_plot(context, group, objects[group.name], found[group.name])
        yield _bits_table(context, groups, found)
        yield from _file_plot(context, files, original)
        yield from file_plots(context, files, groups, objects)
    yield from peers


def _bits_plot(context: Context, group: Group, objects: int, bars: Sequence[Bar]) -> Plot:
    caption = replace(context.caption(group), network="")  # files of several may be compared
    one = "event" if group.single else "object"
    return Plot(
        name=f"compression_bits_{group.name}",
        section=Section.compression,
        title=f"{group.name}: bits per {one}",
        caption=f"Stored bits per {one} of the columns that may move, in the original and in each compressed file, and "
        "what these take besides: latents of a network, values that are kept exactly, the numbers of objects of the "
        "events. In the original the latter are part of the columns. What counts is the length of the whole bar.",
        draw=partial(draw_bits, bars, group.labels, objects, one, caption),
        network=group.network,
        width=2,
    )


def _bits_table(context: Context, groups: Sequence[Group], found: dict[str, list[Bar]]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for group in groups:
        for bar in found[group.name]:
            label = bar.label.replace("\n", ", ")
            rows += [(group.name, label, part, bits) for part, bits in (bar.columns | bar.others).items()]
            rows.append((group.name, label, "total", bar.total))
    return Table(
        name="compression_bits",
        section=Section.compression,
        title="Bits per object",
        caption="Stored bits per object of each column, and of what its collection takes besides.",
        columns=("collection", "file", "part", "bits per object"),
        rows=rows,
        network=context.networks,
    )


def _file_plot(context: Context, files: Sequence[Stored], original: dict[str, int]) -> Iterator[Plot | Table]:
    path = context.pair.original
    coded = [column.name for column in files[0].about.columns if column.codec]
    parts = [stored_sizes.file_parts(path, original, coded), *(dict(file.about.sizes) for file in files)]
    names = [base_name(path), *(file.name for file in files)]
    kinds = ["original", *(_what(file) for file in files)]
    events = files[0].about.events
    yield Plot(
        name="compression_file",
        section=Section.compression,
        title="Where the bytes of the files are",
        caption="Sizes of the whole files by what they are for. Columns kept exactly are the same in all; the model, "
        "the metadata and the rest, which ROOT needs to find the others, hardly grow with the number of events and "
        f"weigh less in longer files than in these of {events:,} events.",
        draw=partial(draw_files, names, kinds, parts, events, context.look),
        network=context.networks,
        width=2,
    )
    before = file_size(path)
    rows: list[tuple[Cell, ...]] = [(names[0], kinds[0], before, 1.0, None, None, None)]
    for file, what in zip(files, kinds[1:], strict=True):
        size, model = file.about.file_bytes, file.about.sizes["model"]
        rows.append((file.name, what, size, before / size, model, model / max(events, 1), before / (size - model)))
    yield Table(
        name="compression_file",
        section=Section.compression,
        title="Sizes of the files",
        caption="Sizes of the whole files in bytes, and how many times smaller than the original they are. The model "
        "is the same for any number of events; the last column is without it, as in a file so long that it does not "
        "count.",
        columns=("file", "what", "bytes", "ratio", "model bytes", "model bytes per event", "ratio without model"),
        rows=rows,
        network=context.networks,
    )


def _what(file: Stored) -> str:
    """The codecs of a file and what ROOT compressed it with."""
    codecs = dict.fromkeys(column.codec for column in file.about.columns if column.codec)
    return ", ".join([*codecs, file.compression])
