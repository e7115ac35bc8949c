"""An expression for the columns of a file: checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aeplugin.errors import RecipeError
from aeplugin.expressions import REDUCTIONS, Call, Comparison, Name, Node, Number, Operation, parse
from aeplugin.selection.columns import FileColumns

_LOGIC = ("and", "or", "not")
_BOOLEAN_ARGUMENT = ("count", "any", "all")


@dataclass(frozen=True)
class Expression:
    """What can be evaluated.

    Attributes:
        text: as the recipe has it.
        tree: its names are columns of the file.
        columns: for each of these the collection that it belongs to, or None where it has one value per event.
        collection: that of the result: it has one value per object of this, or where None per event.
    """

    text: str
    tree: Node
    columns: Mapping[str, str | None]
    collection: str | None


def understand(text: str, columns: FileColumns) -> Expression:
    """The expression for a file with these columns.

    Raises:
        RecipeError: it breaks the grammar, names columns that the file has not, mixes collections, or is neither true
            nor false.
    """
    tree = parse(text)
    try:
        checker = _Checker(columns, tree)
    except RecipeError as error:
        raise RecipeError(f"{text!r}: {error}") from None
    if not checker.columns:
        raise RecipeError(f"{text!r}: mentions no column of the file")
    if not checker.is_boolean:
        raise RecipeError(f"{text!r}: gives numbers; expected what is true or false, as in {text.strip()} > 0")
    return Expression(text, checker.tree, checker.columns, checker.collection)


@dataclass(frozen=True)
class _Checked:
    """A part of an expression, whether it is true or false, and the collection it has one value per object of."""

    tree: Node
    is_boolean: bool
    collection: str | None


class _Checker:
    def __init__(self, file: FileColumns, tree: Node) -> None:
        self._file = file
        self.columns: dict[str, str | None] = {}
        whole = self._check(tree)
        self.tree, self.is_boolean, self.collection = whole.tree, whole.is_boolean, whole.collection

    def _check(self, node: Node) -> _Checked:
        match node:
            case Number():
                return _Checked(node, False, None)
            case Name(name=name):
                return self._column(name)
            case Operation(operator=operator, operands=operands):
                parts = [self._check(operand) for operand in operands]
                logical = operator in _LOGIC
                if logical:
                    self._need_boolean(parts, operands, operator)
                tree: Node = Operation(operator, tuple(part.tree for part in parts))
                return _Checked(tree, logical, self._common(parts))
            case Comparison(operators=operators, operands=operands):
                parts = [self._check(operand) for operand in operands]
                return _Checked(Comparison(operators, tuple(part.tree for part in parts)), True, self._common(parts))
            case Call():
                return self._call(node)

    def _column(self, name: str) -> _Checked:
        kind = self._file.kind(name)
        self.columns[name] = self._file.collection(name)
        return _Checked(Name(name), kind.value == "bool", self.columns[name])

    def _call(self, call: Call) -> _Checked:
        function = call.function
        if function == "n":
            return self._number_of(call.arguments[0])
        parts = [self._check(argument) for argument in call.arguments]
        tree = Call(function, tuple(part.tree for part in parts))
        if function not in REDUCTIONS or len(parts) > 1:
            return _Checked(tree, False, self._common(parts))
        if parts[0].collection is None:
            raise RecipeError(
                f"{function}() is over the objects of a collection; {_shown(call.arguments[0])} has one value per event"
            )
        if function in _BOOLEAN_ARGUMENT:
            self._need_boolean(parts, call.arguments, f"{function}()")
        return _Checked(tree, function in ("any", "all"), None)

    def _number_of(self, argument: Node) -> _Checked:
        if not isinstance(argument, Name):
            raise RecipeError(
                "n() is of a collection, as in n(Jet); to count the objects that fulfil a condition say count(...)"
            )
        column = self._file.representative(argument.name)
        self.columns[column] = self._file.collection(column)
        return _Checked(Call("n", (Name(column),)), False, None)

    def _need_boolean(self, parts: list[_Checked], operands: tuple[Node, ...], what: str) -> None:
        for part, operand in zip(parts, operands, strict=True):
            if not part.is_boolean:
                raise RecipeError(
                    f"{what} takes what is true or false; got numbers, {_shown(operand)} (compare them, as in x != 0)"
                )

    def _common(self, parts: list[_Checked]) -> str | None:
        found = list(dict.fromkeys(part.collection for part in parts if part.collection is not None))
        if len(found) > 1:
            one, other = ((c, next(k for k, v in self.columns.items() if v == c)) for c in found[:2])
            raise RecipeError(
                f"mixes objects of two collections, {one[0]} ({one[1]}) and {other[0]} ({other[1]}); reduce one of "
                "them to one value per event with n, count, sum, min, max, any or all"
            )
        return found[0] if found else None


def _shown(node: Node) -> str:
    """A part of an expression for a message."""
    match node:
        case Number(value=value):
            return f"{value:g}"
        case Name(name=name):
            return name
        case Call(function=function):
            return f"{function}(...)"
        case Operation(operator=operator, operands=operands):
            shown = [_shown(operand) for operand in operands]
            return (
                f"{'-' if operator == 'negative' else operator + ' '}{shown[0]}"
                if len(shown) == 1
                else f" {operator} ".join(shown)
            )
        case Comparison(operators=operators, operands=operands):
            return " ".join(
                [_shown(operands[0])] + [f"{o} {_shown(x)}" for o, x in zip(operators, operands[1:], strict=True)]
            )
