"""Anomaly scores of a model: distributions of every data set, and how well they tell signals from the rest."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import hist
import numpy as np

from aeplugin._core import Autoencoder, CollectionModel
from aeplugin.plots.anomaly.figures import Curve, draw_rocs, draw_scores
from aeplugin.plots.anomaly.merit import CAPTION, HEADINGS, figures_of_merit
from aeplugin.plots.drawing import style, wording
from aeplugin.plots.drawing.shortening import shorten_all
from aeplugin.plots.filling import fill_finite, storage
from aeplugin.plots.inputs import Context
from aeplugin.plots.networks import caption_of, files_of, missing_columns
from aeplugin.plots.pairs import Pair, plain_name
from aeplugin.plots.plot import Cell, Plot, Section, Table
from aeplugin.roc import FEWEST, Scores, roc
from aeplugin.scores import score_objects

_log = logging.getLogger(__name__)
SCORE = "reconstruction error"
_LOWEST, _HIGHEST, _PER_DECADE = -12, 6, 50  # decades of scores in the histograms, and bins in each
_FEWEST_BINS, _MOST_BINS = 10, 50
_TOGETHER = "all others"


@dataclass
class Sample:
    """One data set as a network sees it.

    Attributes:
        scores: by what is scored with: `SCORE`, and quantities that need no network.
        histogram: of the network's scores.
    """

    name: str
    scores: dict[str, Scores]
    histogram: hist.Hist
    is_signal: bool = False
    no_objects: float = field(default=0.0)
    """Share of the events without objects, whose score is 0."""


def anomaly_plots(context: Context) -> Iterator[Plot | Table]:
    """Scores of every data set's events by each network of the model, and ROC curves where there are signals."""
    model = context.model
    if model is None or not model.collections:
        _log.info("anomaly scores: there is no model with networks")
        return
    found = [(collection, _read(collection, context)) for collection in model.collections]
    for collection, samples in found:
        if samples:
            yield from _plots(collection, samples, context)


def _read(collection: CollectionModel, context: Context) -> list[Sample]:
    """The data sets that have the columns of a network and events."""
    samples = []
    for pair in context.pairs:
        what = f"anomaly_score_{collection.name}"
        if missing := missing_columns(collection, pair):
            _log.warning("%s: %s not drawn, it has no column %r", what, pair.name, missing[0])
            continue
        sample = read_scores(collection, pair, pair.name in context.signals)
        if sample.scores[SCORE].weight > 0:
            samples.append(sample)
        else:
            _log.warning("%s: %s not drawn, no event has a score", what, pair.name)
    return samples


def read_scores(collection: CollectionModel, pair: Pair, is_signal: bool = False) -> Sample:
    """The scores of a data set's original, read in blocks.

    Beside the network's these are the missing momentum, where there is a column for it, and the sum of the pt of the
    network's objects, where it has that variable.
    """
    weighted = pair.weight is not None
    axis = hist.axis.Regular(
        (_HIGHEST - _LOWEST) * _PER_DECADE,
        10.0**_LOWEST,
        10.0**_HIGHEST,
        transform=hist.axis.transform.log,
        label=f"{SCORE} of an event",
    )
    sample = Sample(pair.name, {SCORE: Scores()}, hist.Hist(axis, storage=storage(weighted)), is_signal)
    autoencoder = Autoencoder(collection)
    groups = {collection.name: files_of(collection)}
    met = missing_momentum(pair)
    if met is not None:
        groups[""] = {met: met}
    empty = 0.0
    for block in pair.originals(groups):
        objects = block.before[collection.name]
        scores = score_objects(autoencoder, objects)[1]
        sample.scores[SCORE].update(scores, block.weights)
        fill_finite(sample.histogram, scores, block.weights)
        if met is not None:
            sample.scores.setdefault(met, Scores()).update(block.before[""].columns[met], block.weights)
        if "pt" in objects.columns and not _is_single(collection, pair):
            event = np.repeat(np.arange(len(objects.counts)), objects.counts)
            sums = np.bincount(event, objects.columns["pt"], minlength=len(objects.counts))
            sample.scores.setdefault(_sum_name(collection), Scores()).update(sums, block.weights)
        none = objects.counts == 0
        empty += float(none.sum() if block.weights is None else block.weights[none].sum())
    sample.no_objects = empty / (sample.scores[SCORE].weight or 1.0)
    return sample


def missing_momentum(pair: Pair) -> str | None:
    """The column with one value per event that looks like missing transverse momentum: MET_pt, or the first MET..."""
    found = [
        name
        for name, kind in pair.schema.items()
        if name.upper().startswith("MET") and not kind.depth and kind.value in ("float", "double")
    ]
    angles = [name for name in found if name.lower().endswith(("phi", "eta"))]
    sizes = [name for name in found if name not in angles]
    return next((name for name in sizes if name.lower() in ("met", "met_pt", "met_et")), next(iter(sizes), None))


def _is_single(collection: CollectionModel, pair: Pair) -> bool:
    return all(pair.schema[name].depth == 0 for name in files_of(collection).values())


def _sum_name(collection: CollectionModel) -> str:
    return f"sum of {collection.name} pt"


def _plots(collection: CollectionModel, samples: list[Sample], context: Context) -> Iterator[Plot | Table]:
    caption = caption_of(collection, context, "Events")
    objects = wording.plural(collection.name).lower()
    short = shorten_all([sample.name for sample in samples])
    fewest = min(sample.scores[SCORE].effective_events for sample in samples)
    histograms = displayed([sample.histogram for sample in samples], fewest)
    if histograms is None:
        _log.warning("anomaly_score_%s: not drawn, every score is 0", collection.name)
    else:
        empty = max(sample.no_objects for sample in samples)
        yield Plot(
            name=f"anomaly_score_{collection.name}",
            section=Section.anomaly,
            title=f"Anomaly score of events by their {objects}",
            caption=f"How badly the network reconstructs the {objects} of an event: the mean squared difference in its "
            "standardised units, normalised to one for each data set. Data sets unlike those that it was trained on "
            f"{_trained_on(context)}should lie further to the right."
            + (f" Events without {objects} score 0: the underflow." if empty else ""),
            draw=partial(draw_scores, _drawn(samples, histograms, short), caption),
            histograms={plain_name(s.name): h for s, h in zip(samples, histograms, strict=True)},
            network=caption.network,
        )
    yield _score_table(collection, samples, caption)
    signals = [sample for sample in samples if sample.is_signal]
    others = [sample for sample in samples if not sample.is_signal]
    if not context.signals:
        return
    if not signals or not others:
        _log.warning("anomaly_roc_%s: not drawn, it takes a signal and another data set", collection.name)
        return
    rows: list[tuple[Cell, ...]] = []
    for signal in signals:
        if not (curves := _curves(signal, others)):
            continue
        rows += [_row(signal, others, curve) for curve in curves]
        yield Plot(
            name=f"anomaly_roc_{collection.name}" + (f"_{plain_name(signal.name)}" if len(signals) > 1 else ""),
            section=Section.anomaly,
            title=f"{signal.name} against other data sets, by their {objects}",
            caption=f"Share of the {signal.name} events above a threshold on the score against that of other events, "
            f"down to {FEWEST} events of these; the band is the statistical uncertainty. Grey curves are scores "
            "without a network, for comparison: high missing momentum, high sum of pt.",
            draw=partial(draw_rocs, curves, caption, signal.name, short),
            network=caption.network,
        )
    if not rows:
        return
    yield Table(
        name=f"anomaly_{collection.name}",
        section=Section.anomaly,
        title=f"Signals against other data sets, by their {objects}",
        caption=CAPTION,
        columns=("signal", "background", "score", "signal events", "background events", *HEADINGS),
        rows=rows,
        network=caption.network,
    )


def displayed(histograms: Sequence[hist.Hist], events: float) -> list[hist.Hist] | None:
    """Histograms in the range that has contents, with as many bins as so many `events` fill; None without contents.

    The lowest 0.1 % of the events lie below the range, and none above it.
    """
    contents = sum(h.values(flow=True) for h in histograms)[1:-1]
    sums = np.cumsum(np.maximum(contents, 0))
    if len(sums) == 0 or sums[-1] <= 0:
        return None
    first = int(np.searchsorted(sums, 1e-3 * sums[-1], side="right"))
    last = int(np.flatnonzero(contents > 0)[-1]) + 1
    first = min(first, last - 1)
    together = max(round((last - first) / min(max(2 * events**0.4, _FEWEST_BINS), _MOST_BINS)), 1)
    bins = max(-(-(last - first) // together), _FEWEST_BINS)
    first = max(min(first, len(contents) - bins * together), 0)
    return [h[first : first + bins * together : hist.rebin(together)] for h in histograms]


def _trained_on(context: Context) -> str:
    """What the model says of its training data, in brackets; nothing where it does not."""
    assert context.model is not None
    try:
        inputs = json.loads(context.model.training)["inputs"]
    except (ValueError, KeyError, TypeError):
        return ""
    names = [str(name)[:80] for name in inputs[:8]] if isinstance(inputs, list) else []
    return f"({', '.join(names)}) " if names else ""


def _drawn(
    samples: Sequence[Sample], histograms: Sequence[hist.Hist], short: dict[str, str]
) -> list[tuple[str, hist.Hist, bool]]:
    """Names with numbers of events, histograms, and which are signals; these last, so that they lie on top."""
    both = zip(samples, histograms, strict=True)
    named = [(f"{short[s.name]} ({wording.count(s.scores[SCORE].events)})", h, s.is_signal) for s, h in both]
    return sorted(named, key=lambda item: item[2])


def _curves(signal: Sample, others: Sequence[Sample]) -> list[Curve]:
    """The signal against all others together, then against each, then against all together by the references."""
    name = _TOGETHER if len(others) > 1 else others[0].name

    def all_by(score: str) -> Curve | None:
        return _curve(signal.scores[score], Scores.together(other.scores[score] for other in others), name, score)

    curves = [all_by(SCORE)]
    if len(others) > 1:
        curves += [_curve(signal.scores[SCORE], other.scores[SCORE], other.name, SCORE) for other in others]
    shared = [score for score in signal.scores if all(score in other.scores for other in others)]
    curves += [all_by(score) for score in shared if score != SCORE]
    return [curve for curve in curves if curve is not None]


def _curve(signal: Scores, background: Scores, name: str, score: str) -> Curve | None:
    made = roc(signal, background)
    if made is None or min(made.signal_events, made.background_events) < FEWEST:
        _log.warning("anomaly_roc: %s by %s not drawn, it takes %d events of each kind", name, score, FEWEST)
        return None
    return Curve(name, score, made, is_reference=score != SCORE)


def _row(signal: Sample, others: Sequence[Sample], curve: Curve) -> tuple[Cell, ...]:
    chosen = [other for other in others if other.name == curve.background] or others
    return (
        signal.name,
        curve.background,
        curve.score,
        signal.scores[curve.score].events,
        sum(other.scores[curve.score].events for other in chosen),
        *figures_of_merit(curve.roc),
    )


def _score_table(collection: CollectionModel, samples: Sequence[Sample], caption: style.Caption) -> Table:
    shares = (0.5, 0.9, 0.99)
    return Table(
        name=f"anomaly_scores_{collection.name}",
        section=Section.anomaly,
        title=f"Anomaly scores by {wording.plural(collection.name).lower()}",
        caption="Scores of the events of each data set: the values that 50, 90 and 99 % of the events do not exceed. "
        "Events with values that the network cannot represent (not finite, not positive under log10) have no score.",
        columns=("data set", "signal", "events", "without score", *(f"{100 * share:g} %" for share in shares)),
        rows=[
            (
                sample.name,
                "yes" if sample.is_signal else "no",
                sample.scores[SCORE].events,
                sample.scores[SCORE].nonfinite,
                *(sample.scores[SCORE].quantile(share) for share in shares),
            )
            for sample in samples
        ],
        network=caption.network,
    )
