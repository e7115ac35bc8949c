"""The value of an expression for the events of a block.

All arithmetic is in double precision, whatever the types of columns: unsigned counts do not wrap, and a float is
compared with the number that is written, as RDataFrame does. Every comparison with NaN is false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from itertools import pairwise
from typing import Any

import awkward as ak
import numpy as np

from aeplugin.expressions import REDUCTIONS, Call, Comparison, Name, Node, Number, Operation
from aeplugin.readers import flatten
from aeplugin.selection.meaning import Expression

_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
    "negative": np.negative,
    "min": np.minimum,
    "max": np.maximum,
}
_LOGIC: dict[str, np.ufunc] = {"and": np.logical_and, "or": np.logical_or}
_COMPARISONS: dict[str, np.ufunc] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
_REDUCTIONS: dict[str, tuple[np.ufunc, Any]] = {
    "sum": (np.add, 0.0),
    "min": (np.minimum, np.nan),
    "max": (np.maximum, np.nan),
    "any": (np.logical_or, False),
    "all": (np.logical_and, True),
}
"""What joins two values, and the value for no objects: one that compares false where there is none."""


class Values:
    """The columns of a block of events that expressions need, flat.

    Attributes:
        counts: for each collection its objects per event, shape (events,).
    """

    def __init__(self, arrays: Mapping[str, ak.Array], columns: Mapping[str, str | None], where: str) -> None:
        """
        Args:
            arrays: columns of the file for the events of the block.
            columns: for each that is needed the collection that it belongs to, or None.

        Raises:
            InputError: columns of a collection differ in the number of objects of an event.
        """
        self.counts: dict[str | None, np.ndarray] = {}
        self._columns: dict[str, np.ndarray] = {}
        self._collections = columns
        for collection in dict.fromkeys(columns.values()):
            members = {column: ak.Array(arrays[column]) for column, owner in columns.items() if owner == collection}
            objects = flatten(members, f"{where}: {'events' if collection is None else f'collection {collection!r}'}")
            self.counts[collection] = objects.counts
            for column, values in objects.columns.items():
                self._columns[column] = values if values.dtype == bool else values.astype(np.float64)

    def evaluate(self, expression: Expression) -> np.ndarray:
        """What is true, shape (events,), or (objects of all events,) where the expression is about objects."""
        with np.errstate(all="ignore"):
            return self._value(expression.tree)[0]

    def _value(self, node: Node) -> tuple[np.ndarray, str | None]:
        """Values of a part of an expression, and the collection that it has one value per object of."""
        match node:
            case Number(value=value):
                return np.asarray(value), None
            case Name(name=name):
                return self._columns[name], self._collections[name]
            case Operation(operator=operator, operands=operands):
                parts, collection = self._together(operands)
                if operator == "not":
                    return ~parts[0], collection
                if operator in _LOGIC:
                    return reduce(_LOGIC[operator], parts), collection
                return _ARITHMETIC[operator](*map(_number, parts)), collection
            case Comparison(operators=operators, operands=operands):
                parts, collection = self._together(operands)
                pairs = zip(operators, pairwise(map(_number, parts)), strict=True)
                return reduce(np.logical_and, [_compare(operator, *pair) for operator, pair in pairs]), collection
            case Call(function=function, arguments=arguments):
                parts, collection = self._together(arguments)
                if function in REDUCTIONS and len(parts) == 1:
                    return self._reduced(function, parts[0], self.counts[collection]), None
                apply = _ARITHMETIC.get(function) or getattr(np, function)
                return np.asarray(apply(*map(_number, parts))), collection

    def _together(self, nodes: Iterable[Node]) -> tuple[list[np.ndarray], str | None]:
        """The values of several parts, those per event repeated for each object where others are per object."""
        found = [self._value(node) for node in nodes]
        collection = next((owner for _, owner in found if owner is not None), None)
        if collection is None:
            return [values for values, _ in found], None
        counts = self.counts[collection]
        return [
            np.repeat(values, counts) if owner is None and values.ndim else values for values, owner in found
        ], collection

    def _reduced(self, function: str, values: np.ndarray, counts: np.ndarray) -> np.ndarray:
        if function == "n":
            return counts.astype(np.float64)
        values = values if function in ("any", "all") else _number(values)
        join, empty = _REDUCTIONS["sum" if function == "count" else function]
        result = np.full(len(counts), empty)
        some = counts > 0  # reduceat gives the value of the next event for one without objects
        if some.any():
            result[some] = join.reduceat(values, (np.cumsum(counts) - counts)[some])
        return result


def _number(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float64) if values.dtype == bool else values


def _compare(operator: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    result = _COMPARISONS[operator](left, right)
    return np.asarray(result & ~(np.isnan(left) | np.isnan(right)) if operator == "!=" else result)
