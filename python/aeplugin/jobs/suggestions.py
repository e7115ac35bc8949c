"""Trials that Optuna suggests from what earlier ones found; needs optuna.

Nothing of Optuna is stored: a study is made anew for each round, from the records of trials. So what is suggested
depends on the seed and on these records alone, and a scan that was interrupted goes on as if it had not been.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice, pairwise
from typing import Any

import numpy as np

from aeplugin.jobs.trials import Changes, Values, draw_different, key_of

_BY_CHANCE = 8
"""Trials before the first one that is not drawn by chance."""
_ATTEMPTS = 50
"""How often a trial is asked for that was not there before, before chance takes over."""


def suggest(
    scan: Mapping[str, Values],
    tried: Sequence[tuple[Changes, float | None]],
    number: int,
    seed: int,
    *,
    maximise: bool,
) -> list[Changes]:
    """Up to so many trials that were not tried; fewer only where there are no others.

    Args:
        tried: trials and their objectives, None for one that could not be done.

    Raises:
        ImportError: optuna is missing.
    """
    try:
        import optuna
    except ImportError:
        raise ImportError("optuna is missing: pip install 'aeplugin[scan]'") from None
    own_seed = int(np.random.SeedSequence((seed, len(tried))).generate_state(1)[0])
    distributions = {field: _distribution(optuna, values) for field, values in scan.items()}
    found: list[Changes] = []
    seen = {key_of(changes) for changes, _ in tried}
    with _quiet(optuna):
        sampler = optuna.samplers.TPESampler(seed=own_seed, n_startup_trials=_BY_CHANCE, constant_liar=True)
        study = optuna.create_study(direction="maximize" if maximise else "minimize", sampler=sampler)
        for changes, value in tried:
            study.add_trial(_as_trial(optuna, scan, distributions, changes, value))
        for _ in range(_ATTEMPTS + number):
            if len(found) == number:
                return found
            params = study.ask(distributions).params
            changes = {field: _value(values, params[field]) for field, values in scan.items()}
            if key_of(changes) not in seen:
                seen.add(key_of(changes))
                found.append(changes)
    others = draw_different(scan, np.random.default_rng(own_seed), [changes for changes, _ in tried] + found)
    return found + list(islice(others, number - len(found)))


def _distribution(optuna: Any, values: Values) -> Any:
    """Of a list the places in it: Optuna takes no lists as values. Numbers that rise have an order to learn from."""
    distributions = optuna.distributions
    if not values.is_range:
        places = len(values.choices)
        if _rises(values.choices):
            return distributions.IntDistribution(0, places - 1)
        return distributions.CategoricalDistribution(range(places))
    low, high = values.ends
    if values.integer:
        return distributions.IntDistribution(int(low), int(high), log=values.log)
    return distributions.FloatDistribution(low, high, log=values.log)


def _rises(choices: Sequence[Any]) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in choices)
    return numbers and all(first < second for first, second in pairwise(choices))


def _value(values: Values, param: Any) -> Any:
    return values.rounded(param) if values.is_range else values.choices[param]


def _as_trial(
    optuna: Any,
    scan: Mapping[str, Values],
    distributions: Mapping[str, Any],
    changes: Changes,
    value: float | None,
) -> Any:
    params = {}
    for field, values in scan.items():
        texts = [json.dumps(choice) for choice in values.choices]
        params[field] = changes[field] if values.is_range else texts.index(json.dumps(changes[field]))
    is_known = value is not None and np.isfinite(value)
    state = {"value": value} if is_known else {"state": optuna.trial.TrialState.FAIL}
    return optuna.trial.create_trial(params=params, distributions=dict(distributions), **state)


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Without the log of each study, and the warning that the sampler's options may change."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
