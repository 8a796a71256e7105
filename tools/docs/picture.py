"""The diagram of the streams and their parents, as an SVG that needs no script and no other host."""

from __future__ import annotations

from tap_onefile.streams import STREAMS
from tap_onefile.streams.organisations import Customers, Organisations
from tools.docs.tables import parent_of

_GROUPS = {
    "people": "People",
    "places": "Places",
    "qualifications": "Look-ups and templates",
    "learning": "Progress",
    "progress": "Progress",
}
_WIDTH, _LINE, _HEAD, _GAP, _MARGIN = 210, 19, 30, 14, 16
_COLUMNS = (_MARGIN, _MARGIN + _WIDTH + 44, _MARGIN + 2 * (_WIDTH + 44))
_STYLE = """\
  .sheet { fill: #fff; stroke: #d0d7de }
  .card { fill: #f3f6fb; stroke: #3b5b92 }
  .line { fill: none; stroke: #3b5b92; stroke-width: 1.5 }
  text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1b2330 }
  .head { font-weight: 600; fill: #24477f }
  .off { fill: #5a6472; font-style: italic }"""


def picture() -> str:
    """Draw the streams in three columns: customer, what it has, what each organisation has.

    Returns:
        The elements of the SVG.
    """
    of_organisation: dict[str, list[str]] = {}
    of_customer: dict[str, list[str]] = {}
    for stream in STREAMS:
        if stream.parent_stream_type is Organisations:
            group = _GROUPS[stream.__module__.rsplit(".", 1)[-1]]
            of_organisation.setdefault(group, []).append(stream.name)
        elif stream.parent_stream_type is Customers:
            of_customer.setdefault("", []).append(stream.name)
    grandchildren = {
        parent.name: stream.name
        for stream in STREAMS
        if (parent := parent_of(stream)) not in {None, Customers, Organisations}
    }
    parts: list[str] = []
    top = _MARGIN
    ends = []
    for title, names in of_organisation.items():
        height = _HEAD + _LINE * len(names) + 6
        parts.append(_card(_COLUMNS[2], top, title, names))
        ends.append(top + height // 2)
        top += height + _GAP
    bottom = top - _GAP + _MARGIN
    middle = (ends[0] + ends[-1]) // 2
    parts.append(_card(_COLUMNS[1], middle - 18, "organisations", []))
    parts += [_arrow(_COLUMNS[1] + _WIDTH, middle, _COLUMNS[2], end) for end in ends]
    place = middle + 70
    parts.append(_card(_COLUMNS[0], middle - 18, "customers", []))
    parts.append(_arrow(_COLUMNS[0] + _WIDTH, middle, _COLUMNS[1], middle))
    for name in of_customer[""]:
        if name == Organisations.name:
            continue
        below = [grandchildren[name]] if name in grandchildren else []
        parts.append(_card(_COLUMNS[1], place, name, [f"└ {each}" for each in below]))
        parts.append(_arrow(_COLUMNS[0] + _WIDTH, middle, _COLUMNS[1], place + 18))
        place += _HEAD + 6 + _LINE * len(below) + _GAP
    note = '<text class="off" x="16" y="32">Italics: off by default</text>'
    right = _COLUMNS[2] + _WIDTH + _MARGIN
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right} {bottom}" width="{right}" role="img">',
            "<title>The streams: the customer, its organisations, and what each of them has</title>",
            f"<style>\n{_STYLE}\n</style>",
            f'<rect class="sheet" x="0.5" y="0.5" width="{right - 1}" height="{bottom - 1}" rx="8"/>',
            note,
            *parts,
            "</svg>",
        )
    )


def _card(left: int, top: int, title: str, names: list[str]) -> str:
    optional = {stream.name for stream in STREAMS if not stream.selected_by_default}
    height = _HEAD + _LINE * len(names) + 6
    lines = [
        f'<rect class="card" x="{left}" y="{top}" width="{_WIDTH}" height="{height}" rx="6"/>',
        f'<text class="head" x="{left + 12}" y="{top + 23}">{title}</text>',
    ]
    for place, name in enumerate(names):
        kind = ' class="off"' if name in optional else ""
        lines.append(f'<text{kind} x="{left + 12}" y="{top + _HEAD + 13 + _LINE * place}">{name}</text>')
    return "\n".join(lines)


def _arrow(left: int, start: int, right: int, end: int) -> str:
    bend = (left + right) // 2
    return f'<path class="line" d="M{left} {start} C{bend} {start} {bend} {end} {right} {end}"/>'
