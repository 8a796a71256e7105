"""The models of the dbt package in the documentation: what each column means, and a picture of what comes of what."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import yaml

from tap_onefile.streams import STREAMS
from tap_onefile.streams.people import UserStream
from tools import ROOT
from tools.docs.picture import STYLE

_MODELS = ROOT / "examples" / "dbt" / "models"
_SNAPSHOTS = ROOT / "examples" / "dbt" / "snapshots"
_STAGED = "stg_onefile_"
_NAMES = {
    "int_onefile_people": "people",
    "int_onefile_mis": "the MIS",
    "int_onefile_learner_state": "state of learners",
    "int_onefile_presence": "presence of learners",
}
_WIDTH, _CARD, _ROW, _HEAD, _GAP = 360, 167, 15, 26, 8


def marts() -> list[dict[str, Any]]:
    """Return the marts, with their columns."""
    content = yaml.safe_load((_MODELS / "marts" / "marts.yml").read_text(encoding="utf-8"))
    models: list[dict[str, Any]] = content["models"]
    return models


def questions() -> str:
    """Make the table of the marts, each with what it answers."""
    rows = [f"| [`{mart['name']}`](#{mart['name']}) | {mart['description']} |" for mart in marts()]
    return "\n".join(("| Table | What it answers |", "| --- | --- |", *rows))


def dictionary() -> str:
    """Make the data dictionary: a table of columns for each mart."""
    parts = []
    for mart in marts():
        rows = [f"| `{column['name']}` | {column['description']} |" for column in mart["columns"]]
        table = "\n".join(("| Column | Meaning |", "| --- | --- |", *rows))
        parts += [f"### {mart['name']}", mart["description"], table]
    return "\n\n".join(parts)


def variables() -> str:
    """Make the table of the variables, with their defaults."""
    text = (ROOT / "examples" / "dbt" / "dbt_project.yml").read_text(encoding="utf-8")
    block = text[text.index("vars:") :]
    rows, comment = [], ""
    for line in block.splitlines():
        if found := re.match(r"    # (.*)", line):
            comment = f"{comment} {found[1]}".strip()
        elif found := re.match(r"    (onefile_\w+): (.*)", line):
            default = "" if found[2] in {'""', "{}"} else f"`{found[2]}`"
            rows.append(f"| `{found[1]}` | {default} | {comment or _told(found[1])} |")
            comment = ""
    return "\n".join(("| Variable | Default | What it means |", "| --- | --- | --- |", *rows))


def _told(variable: str) -> str:
    words = variable.removeprefix("onefile_").replace("_", " ")
    return f"{words[0].upper()}{words[1:]}."


@cache
def refs() -> dict[str, set[str]]:
    """Return what each model is made of, as dbt sees it; a test holds it against dbt's own manifest."""
    found = {}
    for path in (*_MODELS.glob("intermediate/*.sql"), *_MODELS.glob("marts/*.sql"), *_SNAPSHOTS.glob("*.yml")):
        text = path.read_text(encoding="utf-8")
        names = set(re.findall(r"ref\('(\w+)'\)", text))
        if f"'{_STAGED}' ~ stream" in text:
            names |= _staged_people()
        found[path.stem] = names
    return found


def picture() -> str:
    """Draw each model, with what it is made of: two columns, from what is made of streams to what is made of that.

    Returns:
        The elements of the SVG.
    """
    made_of = {model: _shown(names) for model, names in refs().items()}
    order = sorted(made_of, key=lambda model: (_depth(model), model))
    bottoms = [_GAP, _GAP]
    cards = []
    for model in order:
        column = bottoms.index(min(bottoms))
        left, top, lines = _GAP + column * (_CARD + _GAP), bottoms[column], made_of[model]
        height = _HEAD + _ROW * len(lines)
        cards.append(f'<rect class="card" x="{left}" y="{top}" width="{_CARD}" height="{height}" rx="5"/>')
        cards.append(f'<text class="head" x="{left + 8}" y="{top + 17}">{_name(model)}</text>')
        for place, line in enumerate(lines):
            kind = "" if line in {_name(each) for each in made_of} else ' class="off"'
            cards.append(f'<text{kind} x="{left + 8}" y="{top + _HEAD + 9 + _ROW * place}">└ {line}</text>')
        bottoms[column] += height + _GAP
    bottom = max(bottoms)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom}" width="{_WIDTH}" role="img">',
            "<title>The models of the dbt package, each with the models and streams that it is made of</title>",
            f"<style>\n{STYLE}\n</style>",
            *cards,
            "</svg>",
        )
    )


def _depth(model: str) -> int:
    return 1 + max((_depth(each) for each in refs().get(model, ())), default=-1)


def _shown(names: set[str]) -> list[str]:
    people = {name for name in names if name in _staged_people()}
    kept = names - people if len(people) == len(_staged_people()) else names
    shown = sorted(_name(each) for each in kept if not each.startswith("onefile_") or each in refs())
    return [*shown, *["all streams of people"] * (kept is not names)]


def _name(model: str) -> str:
    return _NAMES.get(model, model.removeprefix(_STAGED).removeprefix("onefile_"))


def _staged_people() -> set[str]:
    return {f"{_STAGED}{stream.name}" for stream in STREAMS if issubclass(stream, UserStream)}
