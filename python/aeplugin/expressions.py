"""Expressions of recipes, such as ``Jet_pt > 20e3 && abs(Jet_eta) < 2.5``: their grammar, and the tree of one.

An expression is data. Its words are taken apart here and replaced by placeholders, Python's own parser only sorts them
into a tree by precedence, and of that tree nothing but what is listed here is taken: there is nothing to execute in it.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import isfinite
from types import MappingProxyType

from aeplugin.errors import RecipeError, nearest

MAX_LENGTH = 1000
MAX_DEPTH = 64
_SHOWN = 120
"""At most so many characters of an expression stand in an error."""

ELEMENTWISE = ("abs", "sqrt", "exp", "log", "log10", "sin", "cos", "tan", "sinh", "cosh", "tanh")
REDUCTIONS = ("n", "count", "sum", "min", "max", "any", "all")
"""What makes one value per event of one per object."""
ARGUMENTS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    dict.fromkeys((*ELEMENTWISE, *REDUCTIONS), (1,)) | dict.fromkeys(("min", "max"), (1, 2))
)
"""For each function how many arguments it may have. min and max of two compare them, of one reduce it."""

_TOKEN = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*(?:[.:]+\w+)*)"
    r"|`(?P<quoted>[^`]+)`"
    r"|(?P<operator>&&|\|\||\*\*|[<>=!]=|[-+*/()<>,!])",
    re.ASCII,
)
# Python's ~ binds as tightly as the ! of C++ does, and `not` as loosely as in Python.
_WORDS = {"&&": "and", "||": "or", "!": "~", "and": "and", "or": "or", "not": "not"}
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.USub: "negative",
    ast.Not: "not",
    ast.Invert: "not",
    ast.And: "and",
    ast.Or: "or",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


@dataclass(frozen=True)
class Number:
    """A number that is written out."""

    value: float


@dataclass(frozen=True)
class Name:
    """A column of the file, or as the argument of n() a collection."""

    name: str


@dataclass(frozen=True)
class Operation:
    """One of + - * / ** negative not and or."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Comparison:
    """A chain of comparisons, as in 20 < x <= 30: one operator fewer than operands."""

    operators: tuple[str, ...]
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Call:
    """A function of `ARGUMENTS` with as many arguments as it may have."""

    function: str
    arguments: tuple[Node, ...]


Node = Number | Name | Operation | Comparison | Call


def parse(text: str) -> Node:
    """The tree of an expression.

    Raises:
        RecipeError: it is empty, too long or too deep, breaks the grammar (with the position, from 1), or calls a
            function that there is not.
    """
    if len(text) > MAX_LENGTH:
        raise RecipeError(f"the expression has {len(text)} characters; expected at most {MAX_LENGTH}")
    return _Parser(text).tree()


class _Parser:
    """One expression: the names and the places of its words."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: list[str] = []
        self.depth = 0
        """Of parentheses, so far."""
        self.places: list[int] = []
        """Where each word begins in the text."""
        self.starts: list[int] = []
        """Where each word begins in what Python's parser sees."""

    def tree(self) -> Node:
        words = self._words()
        if not words:
            raise RecipeError("the expression is empty")
        self.starts = list(accumulate((len(word) + 1 for word in words[:-1]), initial=0))
        try:
            tree = ast.parse(" ".join(words), mode="eval")
        except SyntaxError as error:
            if not error.offset:
                raise RecipeError(f"{self._shown()}: ends too early, after {self.text.split()[-1]!r}") from None
            raise self._error(error.offset - 1) from None
        except (RecursionError, MemoryError):
            raise self._too_deep() from None
        return self._node(tree.body, 1)

    def _words(self) -> list[str]:
        words = []
        place = len(self.text) - len(self.text.lstrip())
        while place < len(self.text):
            found = _TOKEN.match(self.text, place)
            if found is None:
                raise RecipeError(
                    f"{self._shown()}: got {self.text[place]!r} at character {place + 1}; expected a number, a column, "
                    "a function, an operator or a parenthesis (names with other characters stand between backticks)"
                )
            self.places.append(place)
            words.append(self._word(found))
            rest = self.text[found.end() :]
            place = found.end() + len(rest) - len(rest.lstrip())
        return words

    def _word(self, found: re.Match[str]) -> str:
        """A word as Python's parser is to see it."""
        if found["number"]:
            if not isfinite(float(found["number"])):
                raise RecipeError(f"{self._shown()}: the number {found['number']} is too large")
            return repr(float(found["number"]))
        self.depth += (found[0] == "(") - (found[0] == ")")
        if self.depth > MAX_DEPTH:
            raise self._too_deep()
        if found[0] in _WORDS or found["operator"]:
            return _WORDS.get(found[0], found[0])
        self.names.append(found["name"] or found["quoted"])
        return f"v{len(self.names) - 1}"

    def _node(self, node: ast.expr, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self._too_deep()
        match node:
            case ast.Constant(value=float(value)):
                return Number(value)
            case ast.Name(id=name):
                return Name(self._name(name))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._node(operand, depth + 1)
            case ast.UnaryOp(op=sign, operand=operand):
                return Operation(_OPERATORS[type(sign)], (self._node(operand, depth + 1),))
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
                return Operation(
                    _OPERATORS[type(operator)], (self._node(left, depth + 1), self._node(right, depth + 1))
                )
            case ast.BoolOp(op=logic, values=values):
                return Operation(_OPERATORS[type(logic)], tuple(self._node(value, depth + 1) for value in values))
            case ast.Compare(left=left, ops=operators, comparators=others):
                operands = tuple(self._node(operand, depth + 1) for operand in (left, *others))
                return Comparison(tuple(_OPERATORS[type(operator)] for operator in operators), operands)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                function = self._function(self._name(name), len(arguments))
                return Call(function, tuple(self._node(argument, depth + 1) for argument in arguments))
        raise self._error(node.col_offset)

    def _name(self, placeholder: str) -> str:
        return self.names[int(placeholder[1:])]

    def _function(self, name: str, arguments: int) -> str:
        if name not in ARGUMENTS:
            hint = nearest(name, list(ARGUMENTS)) or f"; there are {', '.join(ARGUMENTS)}"
            raise RecipeError(f"{self._shown()}: unknown function {name!r}{hint}")
        if arguments not in ARGUMENTS[name]:
            expected = " or ".join(map(str, ARGUMENTS[name]))
            raise RecipeError(f"{self._shown()}: {name}() has {arguments} arguments; expected {expected}")
        return name

    def _error(self, offset: int) -> RecipeError:
        """That the expression makes no sense at or after a place in what Python's parser saw."""
        word = max(bisect_right(self.starts, offset) - 1, 0)
        place = self.places[word]
        end = self.places[word + 1] if word + 1 < len(self.places) else len(self.text)
        return RecipeError(
            f"{self._shown()}: makes no sense at character {place + 1}, {self.text[place:end].strip()!r}; expected "
            "numbers and columns joined by operators, with as many opening as closing parentheses"
        )

    def _too_deep(self) -> RecipeError:
        return RecipeError(f"{self._shown()}: nested more than {MAX_DEPTH} levels deep; make several expressions of it")

    def _shown(self) -> str:
        return repr(self.text if len(self.text) <= _SHOWN else f"{self.text[: _SHOWN - 3]}...")
