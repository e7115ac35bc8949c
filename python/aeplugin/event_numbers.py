"""Random numbers of events: each depends on the seed, the file and the entry only.

So an event has the same number however a file is read: in blocks of any size, in any order, by any number of workers.
They come from numpy's Philox (J. Salmon et al., SC 2011), a generator that computes its n-th number from n.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_NUMBERS_PER_STEP = 4
"""Of 64 bits, that Philox makes in one step of its counter."""


def event_uniform(seed: int, stream: str, file: int, start: int, stop: int) -> NDArray[np.float64]:
    """One random number in [0, 1) for each of the events from `start` to before `stop`, shape (stop - start,).

    They are multiples of 2^-53, the same on every machine and for every version of numpy, which keeps the raw output of
    its bit generators as it is (NEP 19).

    Args:
        seed: any whole number.
        stream: what the numbers are for; those of two streams have nothing to do with each other.
        file: index of the file among those that are read together, from 0.
        start, stop: entries of the file, from 0.

    Raises:
        ValueError: a negative file or entry, or a `stop` before `start`.
    """
    if file < 0 or not 0 <= start <= stop:
        raise ValueError(f"got file {file} and entries {start} to {stop}; expected 0 <= file and 0 <= start <= stop")
    key = hashlib.blake2b(f"{seed},{file},{stream}".encode(), digest_size=16).digest()
    generator = np.random.Philox(key=np.frombuffer(key, "<u8").astype(np.uint64))
    steps, before = divmod(start, _NUMBERS_PER_STEP)
    generator.advance(steps)
    raw = np.asarray(generator.random_raw(before + stop - start), np.uint64)[before:]
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53
