"""The diagram of the streams and their parents, as an SVG that needs no script and no other host.

It is as narrow as a phone, and takes its colours from the page around it, light or dark.
"""

from __future__ import annotations

from tap_onefile.streams import STREAMS
from tap_onefile.streams.organisations import Customers, Organisations
from tools.docs.tables import groups, parent_of, result

_WIDTH, _LINE, _HEAD, _GAP = 360, 18, 28, 10
_TOP = 42
STYLE = """\
  :root { --card: #f3f6fb; --edge: #3b5b92; --text: #1b2330; --head: #24477f; --off: #5a6472 }
  @media (prefers-color-scheme: dark) {
    :root { --card: #1b2433; --edge: #6f93cf; --text: #dbe2ec; --head: #a9c4f2; --off: #a3afbd }
  }
  .card { fill: var(--card); stroke: var(--edge) }
  .box { fill: none; stroke: var(--edge) }
  .line { fill: none; stroke: var(--edge); stroke-width: 1.5 }
  text { font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: var(--text) }
  .head { font-weight: 600; fill: var(--head) }
  .off { fill: var(--off); font-style: italic }"""


def picture() -> str:
    """Draw each stream in the box of the stream that it is read for.

    Returns:
        The elements of the SVG.
    """
    inner = _WIDTH - 2 * _GAP
    parts, below = _columns(
        [
            [(each.name, [f"└ {child.name}" for child in STREAMS if parent_of(child) is each])]
            for each in STREAMS
            if parent_of(each) is Customers and each is not Organisations
        ],
        _GAP,
        _TOP + _HEAD,
        inner,
    )
    within = [
        (title, names)
        for title, streams in groups().items()
        if (names := [each.name for each in streams if parent_of(each) is Organisations])
    ]
    halves = [within[0::2], within[1::2]]
    cards, bottom = _columns(halves, 2 * _GAP, below + _HEAD, inner - 2 * _GAP)
    size = f'viewBox="0 0 {_WIDTH} {bottom + _GAP + 1}" width="{_WIDTH}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            "<title>The streams: the customer, its organisations, and what each of them has</title>",
            f"<style>\n{STYLE}\n</style>",
            f'<text x="{_GAP}" y="14">A box is read for each record of the box around it.</text>',
            f'<text class="off" x="{_GAP}" y="32">In italics: off by default.</text>',
            _box(0.5, _TOP, _WIDTH - 1, bottom + _GAP - _TOP, "customers"),
            *parts,
            _box(_GAP, below, inner, bottom - below, "organisations"),
            *cards,
            "</svg>",
        )
    )


def _columns(columns: list[list[tuple[str, list[str]]]], left: int, top: int, width: int) -> tuple[list[str], int]:
    """Draw cards below each other in columns.

    Returns:
        The elements, and where the longest column ends.
    """
    each = (width - _GAP * (len(columns) - 1)) // len(columns)
    parts, ends = [], []
    for place, cards in enumerate(columns):
        y = top
        for title, names in cards:
            parts.append(_card(left + place * (each + _GAP), y, each, title, names))
            y += _HEAD + _LINE * len(names) + _GAP
        ends.append(y)
    return parts, max(ends)


def _box(left: float, top: int, width: int, height: int, title: str) -> str:
    return (
        f'<rect class="box" x="{left}" y="{top}" width="{width}" height="{height}" rx="6"/>\n'
        f'<text class="head" x="{left + _GAP}" y="{top + 19}">{title}</text>'
    )


def _card(left: int, top: int, width: int, title: str, names: list[str]) -> str:
    optional = {stream.name for stream in STREAMS if not stream.selected_by_default}
    height = _HEAD + _LINE * len(names)
    lines = [
        f'<rect class="card" x="{left}" y="{top}" width="{width}" height="{height}" rx="6"/>',
        f'<text class="head" x="{left + _GAP}" y="{top + 19}">{title}</text>',
    ]
    for place, name in enumerate(names):
        kind = ' class="off"' if name in optional else ""
        lines.append(f'<text{kind} x="{left + _GAP}" y="{top + _HEAD + 10 + _LINE * place}">{name}</text>')
    return "\n".join(lines)


def caseload() -> str:
    """Draw the example of the recipe on caseload as bars: what a result looks like.

    Returns:
        The elements of the SVG.
    """
    header, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in result("caseload").splitlines())
    bars = [(row[header.index("assessor")], int(row[header.index("learners")])) for row in rows]
    most = max(learners for _, learners in bars)
    left, room = 150, _WIDTH - 150 - 30
    parts = []
    for place, (assessor, learners) in enumerate(bars):
        top = _HEAD + place * 24
        length = room * learners // most
        parts.append(
            f'<text x="2" y="{top + 13}">{assessor}</text>\n'
            f'<rect class="bar" x="{left}" y="{top}" width="{length}" height="18" rx="3"/>\n'
            f'<text x="{left + length + 6}" y="{top + 13}">{learners}</text>'
        )
    size = f'viewBox="0 0 {_WIDTH} {_HEAD + 24 * len(bars)}" width="{_WIDTH}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            "<title>Learners of each assessor, as bars</title>",
            f"<style>\n{STYLE}\n  .bar {{ fill: var(--edge) }}\n</style>",
            '<text class="head" x="2" y="16">Caseload: learners of each assessor</text>',
            *parts,
            "</svg>",
        )
    )
