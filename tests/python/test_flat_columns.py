"""Flat columns: to awkward arrays and back, cut and joined, and offsets that lead nowhere."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from aeplugin.flat_columns import from_awkward, join, no_values, to_awkward
from aeplugin.recipe_types import parse_type


def test_lists_that_contradict_themselves() -> None:
    kind = parse_type("std::vector<float>")
    assert kind is not None
    for offsets in ([0, 3, 2, 4], [-1, 2, 4, 4], [0, 2, 3, 9]):
        content = ak.contents.NumpyArray(np.zeros(4, "f4"))
        layout = ak.contents.ListOffsetArray(ak.index.Index64(np.array(offsets)), content)
        with pytest.raises(ValueError, match="contradict"):
            from_awkward(ak.Array(layout), kind)
    with pytest.raises(ValueError, match="another type"):
        from_awkward(ak.Array([[1.0], []]), kind)
    with pytest.raises(ValueError, match="lists are expected"):
        from_awkward(ak.Array([1.0]), kind)


@pytest.mark.parametrize(
    "name", ["bool", "std::vector<std::string>", "std::array<double,2>", "std::vector<std::vector<int>>"]
)
def test_flat_columns(name: str) -> None:
    kind = parse_type(name)
    assert kind is not None
    values = {
        "bool": np.array([True, False, True]),
        "std::vector<std::string>": ak.Array([["a", "", "bcd"], [], ["\N{GREEK SMALL LETTER PI}"]]),
        "std::array<double,2>": ak.to_regular(ak.Array(np.arange(6.0).reshape(3, 2))),
        "std::vector<std::vector<int>>": ak.values_astype(ak.Array([[[1, 2], []], [], [[3]]]), np.int32),
    }[name]
    array = ak.Array(values)
    column = from_awkward(array, kind)
    for start in range(4):
        for stop in range(start, 4):
            part = column.cut(start, stop)
            assert all(level[0] == 0 for level in part.offsets)
            back = to_awkward(part, kind)
            assert back.to_list() == array[start:stop].to_list()
            assert back.type.content == array.type.content
            whole = join([column.cut(0, start), part, column.cut(stop, 3)], kind)
            assert whole.values.tobytes() == column.values.tobytes()
            assert [level.tolist() for level in whole.offsets] == [level.tolist() for level in column.offsets]
    assert to_awkward(no_values(kind), kind).type.content == array.type.content
    assert to_awkward(join([], kind), kind).to_list() == []
