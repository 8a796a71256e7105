"""What can be said of an expression before there is a record: whether it can be evaluated, and what it reads."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk.mapper import CustomStreamMap

from tap_onefile.singer.maps.mistakes import Mistake, hint, listed, near, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_RECORD = ("record", "_")
_GIVEN = {*_RECORD, "config", "__stream_name__", "__original_stream_name__"}
"""The names that the SDK gives to expressions, besides the fields of a record."""
_NULLS = {"null", "nil", "none", "__null__"}


@dataclass(frozen=True)
class MappedStream:
    """A stream, as its maps see it."""

    name: str
    fields: Collection[str]
    """What its records have in this run."""
    absent: Mapping[str, str]
    """What they could have, with the reason why they do not."""
    keys: Collection[str] = ()
    is_selected: bool = True
    is_read: bool = True
    """Whether it is selected, or a stream below it is."""

    def why(self, name: str) -> str:
        """Return what ends a sentence about a field that the records do not have."""
        reason = self.absent.get(name)
        return f", as {reason}." if reason else f".{hint(name, self.fields)}"


@dataclass(frozen=True)
class Toolbox:
    """What expressions can use besides the fields of a record."""

    config: Mapping[str, Any]
    """The setting stream_map_config."""
    faker: Mapping[str, Any]
    """The setting faker_config."""
    words: Collection[str]
    """The names of all fields of all streams, which are sure to be no person's."""

    @cached_property
    def sdk(self) -> CustomStreamMap:
        """The SDK's own map, of nothing."""
        schema: dict[str, Any] = {"properties": {}}
        return CustomStreamMap("", dict(self.config), dict(self.faker), schema, None, {}, None, stream_name="")

    @cached_property
    def functions(self) -> Mapping[str, object]:
        """What an expression may use by name besides the record: functions to call, and modules."""
        return dict(self.sdk.expr_evaluator.functions)

    @cached_property
    def function_names(self) -> list[str]:
        """The names of the functions among them."""
        return sorted(name for name, function in self.functions.items() if callable(function))

    @cached_property
    def nodes(self) -> Collection[type[ast.AST]]:
        """The parts of Python that an expression may be made of."""
        evaluator: Any = self.sdk.expr_evaluator
        return {*evaluator.nodes, *evaluator.operators, ast.Starred}

    def refuses(self, attribute: str) -> bool:
        """Return whether no value may be asked for an attribute of this name."""
        try:
            self.sdk.expr_evaluator.eval(f"''.{attribute}")
        except Exception as error:  # noqa: BLE001 - the SDK's own, by name, as they belong to a package that it hides
            return type(error).__name__ == "FeatureNotAvailable"
        return False

    def has(self, module: str, name: str) -> bool:
        """Return whether an expression can use a name of a module."""
        try:
            self.sdk.expr_evaluator.eval(f"{module}.{name}")
        except Exception:  # noqa: BLE001 - as above
            return False
        return True


class Expression:
    """An expression of a stream map, which may hold what must not be logged."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                statements = ast.parse(self.text).body
        except SyntaxError as error:
            at = f" near character {error.offset}" if error.offset and error.lineno == 1 else ""
            raise Mistake(
                f"is no expression{at}. Text needs quotes of its own within those of the setting: \"'text'\"."
            ) from None
        except (ValueError, RecursionError, MemoryError):
            raise Mistake("is no expression that can be read.") from None
        if len(statements) != 1 or not isinstance(statements[0], ast.Expr):
            raise Mistake("is not one expression: compare with ==, and write nothing after it.")
        self.tree = statements[0].value

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every part of it."""
        return list(ast.walk(self.tree))

    @cached_property
    def is_constant(self) -> bool:
        """Whether it is a text, a number or null by itself."""
        return isinstance(self.tree, ast.Constant) and not isinstance(self.tree.value, bool)

    @cached_property
    def is_none(self) -> bool:
        """Whether it is always null."""
        return isinstance(self.tree, ast.Constant) and self.tree.value is None

    @cached_property
    def has_literals(self) -> bool:
        """Whether it holds a text or a number, which may be personal or secret."""
        return any(isinstance(node, ast.Constant) and node.value is not None for node in self.nodes)

    @cached_property
    def calls(self) -> list[ast.Name]:
        """The names of the functions that it calls."""
        return [node.func for node in self.nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]

    @cached_property
    def names(self) -> list[ast.Name]:
        """The names that it reads, without those of functions that it calls, and its own."""
        names = [node for node in self.nodes if isinstance(node, ast.Name)]
        own = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        called = {id(node) for node in self.calls}
        return [node for node in names if node.id not in own and id(node) not in called]

    def uses(self, name: str) -> bool:
        """Return whether it reads a name."""
        return any(node.id == name for node in self.names)

    @cached_property
    def items(self) -> list[tuple[str, str]]:
        """What it looks up by name, as pairs such as ``("record", "Email")``."""
        return [pair for node in self.nodes for pair in _looked_up(node)]

    def reads(self, fields: Collection[str]) -> list[str]:
        """Return which of these fields it reads, each once and in their order in it."""
        read = [node.id for node in self.names] + [name for holder, name in self.items if holder in _RECORD]
        return [name for name in dict.fromkeys(read) if name in fields]

    def check(self, stream: MappedStream, key: str, tools: Toolbox) -> None:
        """Raise a `Mistake` if it cannot be evaluated for any record; `key` is the field that it is for."""
        self._check_parts(tools)
        for call in self.calls:
            if call.id not in tools.function_names:
                raise Mistake(
                    f"calls {shown(call.id)}, which is no function of stream maps."
                    f"{hint(call.id, tools.function_names) or f' They have {listed(tools.function_names)}.'}"
                )
        for name in self.names:
            self._check_name(name, stream, key, tools)
        for holder, item in self.items:
            if holder in _RECORD and item not in stream.fields:
                raise Mistake(f"reads {shown(item)}, which {shown(stream.name)} does not have{stream.why(item)}")
            if holder == "config" and item not in tools.config:
                raise Mistake(
                    f"reads {shown(item)} of config, which the setting stream_map_config does not have."
                    f"{hint(item, tools.config)}"
                )
            if holder in tools.functions and not tools.has(holder, item):
                raise Mistake(f"uses {holder}.{shown(item)}, which stream maps do not have.")
            if holder == "fake" and tools.sdk.fake and not hasattr(tools.sdk.fake, item):
                raise Mistake(f"asks Faker for {shown(item)}, which it does not have.{hint(item, dir(tools.sdk.fake))}")

    def _check_parts(self, tools: Toolbox) -> None:
        for node in self.nodes:
            is_part = isinstance(node, (ast.expr, ast.operator, ast.unaryop, ast.cmpop))
            if is_part and type(node) not in tools.nodes:
                raise Mistake(f"uses what stream maps do not allow ({type(node).__name__}{_at(node)}).")
            if isinstance(node, ast.Call) and not isinstance(node.func, (ast.Name, ast.Attribute)):
                raise Mistake(f"uses what stream maps do not allow (a call of a result{_at(node)}).")
            if isinstance(node, ast.Attribute) and tools.refuses(node.attr):
                raise Mistake(f"uses what stream maps do not allow ({shown(node.attr)}{_at(node)}).")

    def _check_name(self, node: ast.Name, stream: MappedStream, key: str, tools: Toolbox) -> None:
        name = node.id
        if name in stream.fields or name in _GIVEN:
            return
        if name == "self":
            if key not in stream.fields:
                raise Mistake(
                    f"reads self, which is the value of a field of {shown(stream.name)}, and this is none: write the"
                    " name of a field."
                )
        elif name == "fake":
            if tools.sdk.fake is None:
                raise Mistake("uses fake, which needs Faker: install tap-onefile[faker], or write it without.")
        elif name.casefold() in _NULLS:
            raise Mistake('reads null as a name: to remove the field, write null or "__NULL__"; for no value, None.')
        elif name in tools.functions:
            if not any(isinstance(each, ast.Attribute) and each.value is node for each in self.nodes):
                raise Mistake(f"names {name} without calling it: write {name}(…).")
        elif name in stream.absent:
            raise Mistake(f"reads {name}, which {stream.name} does not have{stream.why(name)}")
        else:
            known = [*stream.fields, "None", "True", "False"]
            asked = hint(name, known) or " Text needs quotes of its own: \"'text'\"."
            raise Mistake(f"reads {self._named(node, known, tools)}, which {shown(stream.name)} does not have.{asked}")

    def _named(self, node: ast.Name, known: Collection[str], tools: Toolbox) -> str:
        """Return a name, or its place if it may be a text whose quotes were forgotten."""
        is_argument = any(
            node in each.args if isinstance(each, ast.Call) else isinstance(each, ast.Attribute) and each.value is node
            for each in self.nodes
        )
        return shown(node.id) if is_argument or node.id in tools.words or near(node.id, known) else f"a name{_at(node)}"


def _at(node: ast.AST) -> str:
    place = getattr(node, "col_offset", None)
    return "" if place is None else f" at character {place + 1}"


def _looked_up(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield what `holder["name"]`, `holder.get("name")` or `holder.name` looks up."""
    match node:
        case ast.Subscript(value=ast.Name(id=holder), slice=ast.Constant(value=str(name))):
            yield holder, name
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id=holder), attr="get"), args=[ast.Constant(value=str(name)), *rest]
        ) if holder in _RECORD or not rest:
            yield holder, name
        case ast.Attribute(value=ast.Name(id=holder), attr=name) if not hasattr({}, name) or holder == "fake":
            yield holder, name
