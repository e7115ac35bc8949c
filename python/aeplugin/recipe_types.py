"""Types of columns by their names, as ROOT, RDataFrame, RNTuple and uproot spell them.

The same table as cxx/src/table.cxx, for what needs no more than names; the C++ side decides when data are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_VALUE_TYPES = {
    "bool": "bool Bool_t",
    "std::int8_t": "char Char_t signedchar int8_t",
    "std::uint8_t": "unsignedchar UChar_t uint8_t",
    "std::int16_t": "short Short_t int16_t",
    "std::uint16_t": "unsignedshort UShort_t uint16_t",
    "std::int32_t": "int Int_t int32_t",
    "std::uint32_t": "unsigned unsignedint UInt_t uint32_t",
    "std::int64_t": "long longlong Long_t Long64_t int64_t",
    "std::uint64_t": "unsignedlong unsignedlonglong ULong_t ULong64_t uint64_t",
    "float": "Float_t Float16_t",
    "double": "Double_t Double32_t",
    "std::string": "string",
}
_CANONICAL = {name: known for known, others in _VALUE_TYPES.items() for name in (known, *others.split())}
_LISTS = {"vector": "std::vector", "std::vector": "std::vector"} | dict.fromkeys(
    ["RVec", "ROOT::RVec", "ROOT::VecOps::RVec"], "ROOT::VecOps::RVec"
)
_MAX_DEPTH = 3


@dataclass(frozen=True)
class ColumnKind:
    """What a column holds: values of type `value`, and how many.

    Attributes:
        value: the values' type, such as "float" or "std::int32_t".
        outer: the list around them, such as "std::vector" or "std::array", or "" for one value per event.
        depth: levels of nesting, 0 for one value per event.
        size: length of an array, else 0.
        counter: for a C array in a TTree the column with its length, else "".
    """

    value: str
    outer: str = ""
    depth: int = 0
    size: int = 0
    counter: str = ""

    @property
    def may_be_lossy(self) -> bool:
        """Whether the column can have a tolerance: floats, single or in lists that are not nested."""
        return self.value in ("float", "double") and self.depth <= 1

    @property
    def shape(self) -> tuple[int, int, str]:
        """Equal for columns that may stand in one collection."""
        return (self.depth, self.size, self.counter)

    def __str__(self) -> str:
        if self.counter:
            return f"{self.value}[{self.counter}]"
        if self.size:
            return f"std::array<{self.value},{self.size}>"
        return f"{self.outer}<" * self.depth + self.value + ">" * self.depth


def parse_type(name: str) -> ColumnKind | None:
    """What a type's name means, or None for types that no compressed column can have."""
    rest = re.sub(r"\s", "", name)
    if found := re.fullmatch(r"([\w:]+)\[([^\[\]]+)\]", rest):
        value, inside = _CANONICAL.get(found[1]), found[2]
        if value is None or inside == "0":
            return None
        if inside.isdigit():
            return ColumnKind(value, "std::array", 1, size=int(inside))
        return ColumnKind(value, "", 1, counter=inside)
    if found := re.fullmatch(r"(?:std::)?array<([\w:]+),([1-9][0-9]*)>", rest):
        value = _CANONICAL.get(found[1])
        return None if value is None else ColumnKind(value, "std::array", 1, size=int(found[2]))
    outer, depth = "", 0
    while depth < _MAX_DEPTH and (found := re.fullmatch(r"([\w:]+)<(.*)>", rest)):
        kind = _LISTS.get(found[1])
        if kind is None or outer not in ("", kind):
            return None
        outer, depth, rest = kind, depth + 1, found[2]
    value = _CANONICAL.get(rest)
    return None if value is None else ColumnKind(value, outer, depth)
