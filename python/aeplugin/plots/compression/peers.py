"""Size against error, and speed against size: files of one original, and the peers of the benchmark."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from aeplugin.plots.compression.benchmark_results import Benchmark, Input, Peer, bound_of, read_benchmark
from aeplugin.plots.compression.rate_figures import DIRECTIONS, Point, Series, draw_errors, draw_speeds
from aeplugin.plots.compression.stored_sizes import Stored, bars, in_short, summaries, tolerances
from aeplugin.plots.drawing import wording
from aeplugin.plots.drawing.style import Look
from aeplugin.plots.inputs import Context
from aeplugin.plots.pairs import Group, plain_name
from aeplugin.plots.plot import Cell, Plot, Section, Table

_log = logging.getLogger(__name__)
OWN = "file: "
"""With what the names of compressed files among peers begin."""


def file_plots(
    context: Context, files: Sequence[Stored], groups: Sequence[Group], objects: Mapping[str, int]
) -> Iterator[Plot]:
    """Size against error of the compressed files of the first original, where there are several."""
    if len(files) < 2:
        _log.info("compression_rate_distortion: it takes two compressed files")
        return
    for group in groups:
        loosest = _loosest([tolerances(group, file) for file in files])
        series = own_series(group, files, objects[group.name], _bounds(loosest))
        if sum(len(each.points) for each in series) < 2:
            continue
        notes = [f"{wording.count(objects[group.name])} {context.caption(group).noun}", f"loosest: {in_short(loosest)}"]
        one = "event" if group.single else "object"
        name = f"compression_rate_distortion_{group.name}"
        yield _errors_plot(name, series, one, notes, group.name, context.look, group.network)


def benchmark_plots(
    context: Context, files: Sequence[Stored], groups: Sequence[Group], objects: Mapping[str, int]
) -> Iterator[Plot | Table]:
    """Size against error and speed against size of the benchmark's peers, for each of its inputs.

    Where an input holds the objects of the first original, its compressed files are among the peers.
    """
    if context.benchmark is None:
        return
    benchmark = read_benchmark(context.benchmark)
    for name, data in benchmark.inputs.items():
        if not data.which:
            _log.warning("compression_speed_%s: not drawn, the benchmark has no peers for it", name)
            continue
        reference = data.tolerances[data.which[0]]
        series = peer_series(data)
        for group in groups:
            same = data.objects == objects[group.name] and data.events == files[0].about.events
            if same and set(group.files) == set(reference):
                own = own_series(group, files, objects[group.name], _bounds(reference))
                series += [Series(f"{OWN}{each.name}", each.points) for each in own]
        yield from _peer_plots(name, data, series, benchmark, context.look)


def _peer_plots(
    name: str, data: Input, series: Sequence[Series], benchmark: Benchmark, look: Look
) -> Iterator[Plot | Table]:
    loosest = data.which[0]
    promise = f"{loosest}: {in_short(data.tolerances[loosest])}"
    notes = [f"{name}, {wording.count(data.objects)} objects of {data.source}", promise]
    errors, speeds = (
        f"compression_rate_distortion_benchmark_{plain_name(name)}",
        f"compression_speed_{plain_name(name)}",
    )
    if any(point.rms is not None for each in series for point in each.points):
        yield _errors_plot(errors, series, "object", notes, data.source, look)
    else:
        _log.warning("%s: not drawn, the benchmark tells no errors; run it again", errors)
    if any(each.points[0].speeds for each in series):
        machine = benchmark.machine.get("cpu")
        yield Plot(
            name=speeds,
            section=Section.compression,
            title=f"Speed against size, {name}",
            caption=f"Speed on one thread{f' of {machine}' if machine else ''}, in MB of float32 per second, against "
            f"the size, at the {loosest} tolerances of the benchmark. The best are at the lower right. Speeds of "
            "aeplugin include files, the proof of every value and the reading back; those of SZ3 and pcodec are from "
            "memory to memory.",
            draw=partial(draw_speeds, series, notes, look),
            width=2,
        )
    else:
        _log.warning("%s: not drawn, the benchmark tells no speeds", speeds)
    yield Table(
        name=f"compression_peers_{plain_name(name)}",
        section=Section.compression,
        title=f"Compressors in numbers, {name}",
        caption=f"Compressors on {data.source}: RMS and largest residual are over the {loosest} tolerances, speeds in "
        "MB of float32 per second on one thread.",
        columns=("compressor", "tolerances", "bits per object", "RMS residual", "largest residual", *DIRECTIONS),
        rows=[_row(each.name, point) for each in series for point in each.points],
    )


def _row(name: str, point: Point) -> tuple[Cell, ...]:
    speeds = (point.speeds.get(direction) for direction in DIRECTIONS)
    return (name, point.which, point.bits, point.rms, point.largest, *speeds)


def _errors_plot(
    name: str, series: Sequence[Series], one: str, notes: Sequence[str], what: str, look: Look, network: str = ""
) -> Plot:
    return Plot(
        name=name,
        section=Section.compression,
        title=f"Size against error, {what}",
        caption=f"Bits per {one} against the RMS (left) and the largest (right) residual of all variables, in units of "
        "the loosest tolerance; lines join the tolerances of one compressor, a dotted line, if any, is lossless. The "
        "best are at the lower left; right of the dashed line not every value keeps the loosest tolerance. Residuals "
        "that fill it evenly have an RMS of 0.58.",
        draw=partial(draw_errors, series, one, notes, look),
        network=network,
        width=2,
    )


def peer_series(data: Input) -> list[Series]:
    """The peers of an input; one that does the same at all tolerances, as what is lossless, is one point."""
    reference = _bounds(data.tolerances[data.which[0]])
    found: dict[str, list[Point]] = {}
    for which in data.which:
        for peer in data.peers[which]:
            points = found.setdefault(peer.name, [])
            point = _point(peer, which, reference)
            if not any((other.bits, other.rms) == (point.bits, point.rms) for other in points):
                points.append(point)
    return [Series(name, tuple(points)) for name, points in found.items()]


def _point(peer: Peer, which: str, reference: Mapping[str, float | None]) -> Point:
    moved = None if peer.errors is None else {c: (e.rms, e.largest) for c, e in peer.errors.items()}
    speeds = {direction: speed for direction in DIRECTIONS if (speed := peer.speed(direction)) is not None}
    return Point(which, peer.bits, *_over(moved, reference), speeds)


def own_series(
    group: Group, files: Sequence[Stored], objects: int, reference: Mapping[str, float | None]
) -> list[Series]:
    """The compressed files as compressors; those of one codec and compression are one.

    Args:
        reference: for each variable the tolerance that residuals are given in units of.

    Raises:
        InputError: a file is not of this original.
    """
    named: dict[str, list[Point]] = {}
    for file, bar in zip(files, bars(group, objects, files, {}), strict=True):
        moved = dict.fromkeys(file.facts(group), (0.0, 0.0))  # of what a file keeps exactly
        moved |= {variable: (each.rms, each.max) for variable, each in summaries(group, file).items()}
        rms, largest = _over(moved, reference)
        if rms is None:
            what = "its tolerances are of another kind, or no residual is finite"
            _log.warning("compression_rate_distortion_%s: %s not drawn, %s", group.name, file.name, what)
            continue
        point = Point(file.name, bar.total, rms, largest)
        named.setdefault(f"{file.codec(group)}, {file.compression}", []).append(point)
    return [Series(name, tuple(sorted(points, key=lambda p: -(p.rms or 0)))) for name, points in named.items()]


def _over(
    moved: Mapping[str, tuple[float, float]] | None, reference: Mapping[str, float | None]
) -> tuple[float | None, float | None]:
    """RMS over all columns, and largest, of residuals in units of the reference; None where one is not known."""
    if not moved:
        return None, None
    ratios = []
    for column, (rms, largest) in moved.items():
        scale = 1.0 if largest == 0 else reference.get(column)
        if scale is None or not (math.isfinite(rms) and math.isfinite(largest)):
            return None, None
        ratios.append((rms / scale, largest / scale))
    return math.sqrt(sum(rms**2 for rms, _ in ratios) / len(ratios)), max(largest for _, largest in ratios)


def _bounds(promise: Mapping[str, str]) -> dict[str, float | None]:
    return {variable: bound_of(text) for variable, text in promise.items()}


def _loosest(promised: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """For each variable the loosest of some tolerances; those that are of different kinds are left out."""
    found: dict[str, list[str]] = {}
    for promise in promised:
        for variable, text in promise.items():
            if bound_of(text) is not None:
                found.setdefault(variable, []).append(text)
    return {
        variable: max(texts, key=lambda text: bound_of(text) or 0)
        for variable, texts in found.items()
        if len({text.split()[0] for text in texts}) == 1
    }
