"""Editing the text of a calendar file in place: nothing but what must change does.

The text is cut at the positions that the YAML parser gives for each node, and never written anew:
comments, order, quotes and blanks elsewhere cannot change. What the result means is compared with
what was wanted; an edit that touches more is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import yaml

from dispatcher.errors import DispatcherError
from dispatcher.i18n import _
from dispatcher.plan.nodes import said_of_syntax

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
Steps = tuple[str | int, ...]
"""The way to a node: keys and places in lists."""


class Verbatim(str):
    """A value in YAML's own words: ``[7d, 1d]``."""

    __slots__ = ()


class Lines(dict[str, Any]):
    """A mapping that is written with a line for each of its keys, wherever it stands."""


Value = str | Verbatim | list[str] | Mapping[str, Any]


class Cut(NamedTuple):
    """``text[start:end]`` becomes ``new``."""

    start: int
    end: int
    new: str


def put(text: str, way: Steps, value: Value, order: Sequence[str] = ()) -> str:
    """``text`` with ``value`` (a text, list, mapping or Verbatim) at ``way``, where none need be.

    A new key comes after those that stand before it in ``order``.
    """

    def change(data: Any) -> None:
        for step in way[:-1]:
            data[step] = data[step] or {} if step in data or isinstance(step, int) else {}
            data = data[step]
        data[way[-1]] = _meaning(value)

    return _edited(text, lambda root: _put(text, root, way, value, order), change)


def add(text: str, way: Steps, value: Mapping[str, Any]) -> str:
    """``text`` with ``value`` at the end of the list at ``way``."""

    def change(data: Any) -> None:
        _at(data, way).append(_meaning(value))

    return _edited(text, lambda root: _add(text, _node(root, way), value), change)


def take(text: str, way: Steps) -> str:
    """``text`` without the key or list item at ``way``."""

    def change(data: Any) -> None:
        del _at(data, way[:-1])[way[-1]]

    return _edited(text, lambda root: _take(text, _node(root, way[:-1]), way[-1]), change)


def meaning(text: str) -> Any:
    """What a YAML text says: texts, lists and mappings."""
    return _data(_composed(text))


def _edited(text: str, cut: Callable[[yaml.Node], Cut], change: Callable[[Any], None]) -> str:
    root = _composed(text)
    wanted = deepcopy(_data(root))
    change(wanted)
    start, end, new = cut(root)
    if "\r\n" in text:  # what was carried over ends its lines so already
        new = new.replace("\r\n", "\n").replace("\n", "\r\n")
    found = text[:start] + new + text[end:]
    if _data(_composed(found)) != wanted:
        raise DispatcherError(_("this cannot be changed without touching more: edit the file"))
    return found


def _composed(text: str) -> Any:
    """The root node; the parser takes no subclass of str."""
    try:
        return yaml.compose(str(text), Loader=_Loader)
    except yaml.YAMLError as error:
        what = getattr(error, "problem", None) or str(error).split("\n", maxsplit=1)[0]
        raise DispatcherError(said_of_syntax(what)) from None


def _data(node: yaml.Node | None) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _data(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_data(item) for item in node.value]
    return node.value if node else ""


def _meaning(value: Any) -> Any:
    return meaning(value) if isinstance(value, Verbatim) else deepcopy(value)


def _at(data: Any, way: Steps) -> Any:
    for step in way:
        data = data[step]
    return data


def _node(root: yaml.Node, way: Steps) -> Any:
    """The node at ``way``; raises KeyError where there is none."""
    for step in way:
        root = root.value[step] if isinstance(step, int) else _pair(root, step)[1]
    return root


def _pair(node: yaml.Node, key: str | int) -> tuple[yaml.Node, yaml.Node]:
    for pair in node.value if isinstance(node, yaml.MappingNode) else ():
        if pair[0].value == key:
            return pair  # type: ignore[no-any-return]
    raise KeyError(key)


# ------------------------------------------------------------------------------------------- cuts


def _put(text: str, root: yaml.Node, way: Steps, value: Any, order: Sequence[str]) -> Cut:
    parent = root
    for number, step in enumerate(way, start=1):
        try:
            child = _node(parent, (step,))
        except KeyError:
            return _insert(text, parent, str(step), _within(way[number:], value), order)
        if number == len(way):
            return _replace(text, parent, step, value)
        if isinstance(child, yaml.ScalarNode):
            return _replace(text, parent, step, _within(way[number:], value))
        parent = child
    raise KeyError(way)


def _within(way: Steps, value: Any) -> Any:
    """``value`` in a mapping for each step of ``way``."""
    for step in reversed(way):
        value = (Lines if isinstance(value, Lines) else dict)({str(step): value})
    return value


def _replace(text: str, parent: Any, step: str | int, value: Any) -> Cut:
    """Another value in the place of the one that stands there."""
    old = _node(parent, (step,))
    style = old.style if isinstance(old, yaml.ScalarNode) else None
    new = _written(value, style, flow=bool(parent.flow_style))
    start, end = old.start_mark.index, _end(text, old)
    if isinstance(step, int):
        return Cut(start, end, new)
    colon = text.index(":", _pair(parent, step)[0].end_mark.index) + 1
    between = text[colon:start]
    if old.value and "\n" not in between:
        return Cut(start, end, new)
    # A block on the lines below, or nothing: the value comes next to its key.
    if "\n" in between:
        rest = text[end : text.find("\n", end) + 1 or len(text)]
        end += len(rest.rstrip()) if rest.lstrip().startswith("#") else 0
    return Cut(colon, max(end, colon), f" {new}{between.rstrip()}")


def _insert(text: str, parent: Any, key: str, value: Any, order: Sequence[str]) -> Cut:
    """A new key in a mapping."""
    if parent.flow_style:
        entry = f"{_written(key, flow=True)}: {_written(value, flow=True)}"
        if not parent.value:
            return Cut(parent.start_mark.index, parent.end_mark.index, f"{{{entry}}}")
        end = _end(text, _before(parent, key, order))
        return Cut(end, end, f", {entry}")
    margin = " " * parent.value[0][0].start_mark.column
    return _line(text, _end(text, _before(parent, key, order)), _block(key, value, margin))


def _before(parent: yaml.MappingNode, key: str, order: Sequence[str]) -> yaml.Node:
    """The value after which ``key`` is to stand."""
    earlier = set(order[: order.index(key)]) if key in order else set()
    known = [value for name, value in parent.value if name.value in earlier]
    last: yaml.Node = (known or [value for _name, value in parent.value])[-1]
    return last


def _block(key: str, value: Any, margin: str) -> str:
    """A key and its value as lines; only the outermost mapping and Lines have one for each key."""
    name = _written(key)
    if isinstance(value, Mapping):
        inside = margin + "  "
        inner = (
            _block(k, v, inside)
            if isinstance(v, Lines)
            else f"{inside}{_written(k)}: {_written(v)}\n"
            for k, v in value.items()
        )
        return f"{margin}{name}:\n{''.join(inner)}"
    return f"{margin}{name}: {_written(value)}\n"


def _line(text: str, end: int, lines: str) -> Cut:
    """``lines`` below the line on which ``end`` stands."""
    below = text.find("\n", end) + 1
    return Cut(below, below, lines) if below else Cut(len(text), len(text), "\n" + lines)


def _add(text: str, parent: Any, value: Mapping[str, Any]) -> Cut:
    last = parent.value[-1]
    end = _end(text, last)
    if parent.flow_style:
        return Cut(end, end, f", {_written(value, flow=True)}")
    dash, begun = _dash(text, last), last.start_mark.index
    margin, pad = " " * (dash - _line_start(text, dash)), text[dash:begun]
    if last.flow_style:
        lines = f"{margin}{pad}{_written(value)}\n"
    else:
        inner = margin + " " * len(pad)
        lines = "".join(_block(key, item, inner) for key, item in value.items())
        lines = margin + pad + lines[len(inner) :]
    above = _end(text, parent.value[-2]) if len(parent.value) > 1 else 0
    apart = "\n\n" in text[above:dash].replace("\r", "")
    return _line(text, end, "\n" * apart + lines)


def _take(text: str, parent: Any, step: str | int) -> Cut:
    nodes = [pair if isinstance(pair, tuple) else (pair, pair) for pair in parent.value]
    keys = [pair[0].value if isinstance(step, str) else n for n, pair in enumerate(nodes)]
    number = keys.index(step)
    start, end = nodes[number][0].start_mark.index, _end(text, nodes[number][1])
    if len(nodes) == 1:
        return Cut(
            parent.start_mark.index, _end(text, parent), "{}" if isinstance(step, str) else "[]"
        )
    if parent.flow_style and number == 0:
        return Cut(start, nodes[1][0].start_mark.index, "")
    if parent.flow_style:
        return Cut(_end(text, nodes[number - 1][1]), end, "")
    begun = start if isinstance(step, str) else _dash(text, nodes[number][0])
    top = _line_start(text, begun)
    if text[top:begun].strip():  # The first key of a list's item stands behind its dash.
        return Cut(start, nodes[1][0].start_mark.index, "")
    below = text.find("\n", end) + 1 or len(text)
    return Cut(*(_apart(text, top, below) if isinstance(step, int) else (top, below)), "")


def _apart(text: str, top: int, below: int) -> tuple[int, int]:
    """The lines from ``top`` to ``below``, with one of the blank lines around them, if any."""
    above = _line_start(text, max(top - 1, 0))
    if text[above:top].strip():
        return top, below
    if below == len(text):
        return above, below
    next_line = text.find("\n", below) + 1
    return top, below if text[below:next_line].strip() else next_line


def _dash(text: str, item: yaml.Node) -> int:
    return text.rindex("-", 0, item.start_mark.index)


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _end(text: str, node: Any) -> int:
    """Where a node ends; the parser lets a block end where the next one begins."""
    if isinstance(node, yaml.ScalarNode):
        end: int = node.end_mark.index
        return len(text[:end].rstrip()) if node.style in ("|", ">") else end
    if node.flow_style:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(text, last[1] if isinstance(last, tuple) else last)


# ----------------------------------------------------------------------------------------- values


def _written(value: Any, style: str | None = None, *, flow: bool = False) -> str:
    """A value as YAML on one line, a text in the quotes of ``style`` or else with as few as do."""
    if isinstance(value, Verbatim):
        return str(value)
    if isinstance(value, Mapping):
        items = (f"{_written(k, flow=True)}: {_written(v, flow=True)}" for k, v in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_written(item, flow=True) for item in value)}]"
    if style == "'" and value.isprintable():
        return f"'{value.replace(chr(39), chr(39) * 2)}'"
    plain = style != '"' and _is_plain(value, flow=flow)
    return f"{value}" if plain else json.dumps(value, ensure_ascii=False)


def _is_plain(value: str, *, flow: bool) -> bool:
    """Whether YAML reads ``value`` as itself, without quotes, whatever follows it."""
    if value in ("", "~", "null", "Null", "NULL") or not value.isprintable():
        return False
    try:
        root = _composed(f"{{k: {value}, l: m}}" if flow else f"k: {value}")
    except DispatcherError:
        return False
    wanted = {"k": value, "l": "m"} if flow else {"k": value}
    return bool(_data(root) == wanted and not root.value[0][1].style)
