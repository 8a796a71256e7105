"""The recipes: models of the dbt package as single queries for PostgreSQL, for whoever has no dbt."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from tools import ROOT
from tools.demo.postgres import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

_MARTS = ROOT / "examples" / "dbt" / "models" / "marts" / "marts.yml"
_INSERTED = "__dbt__cte__"
_STAGED = "stg_onefile_"
TODAY = "cast(current_timestamp at time zone 'Europe/London' as date)"
"""What stands for today in a recipe."""
PROJECT = {
    "name": "recipes",
    "version": "1.0.0",
    "profile": "onefile",
    "models": {"onefile": {"+materialized": "ephemeral"}},
}
"""A project in which nothing is kept, so that each compiled model is one query."""


@dataclass(frozen=True)
class Recipe:
    """A model as a query.

    Attributes:
        mart: Its name, without that of the package.
        order: In which order the rows are shown.
        key: The columns that tell them apart.
    """

    mart: str
    order: str
    key: tuple[str, ...] = ("learner_id",)


RECIPES = {
    "match_with_mis": Recipe("mis_match", "action, learner_id, mis_misid, mis_name", ()),
    "caseload": Recipe("caseload", "learners DESC, assessor_id", ("assessor_id",)),
    "data_quality": Recipe("data_quality", "problem, learner_id", ("learner_id", "problem")),
    "reviews_due": Recipe("reviews_due", "days_without DESC NULLS FIRST, learner_id"),
    "reviews_signed_late": Recipe("reviews_signed_late", "held_on, review_id", ("review_id",)),
    "progress": Recipe("progress", "ahead NULLS FIRST, learner_id"),
    "past_planned_end": Recipe("past_planned_end", "days_past DESC, learner_id"),
    "off_the_job_hours": Recipe("off_the_job", "ahead NULLS LAST, learner_id"),
    "unused_places": Recipe("unused_places", "kind, id", ("kind", "id")),
    "who_has_gone": Recipe("gone", "learner_id"),
}


def recipes(compiled: Path) -> dict[str, str]:
    """Make the files of the recipes.

    Args:
        compiled: The folder of the models as dbt has compiled them.
    """
    content = yaml.safe_load(_MARTS.read_text(encoding="utf-8"))
    descriptions = {mart["name"]: mart["description"] for mart in content["models"]}
    made = {}
    for name, recipe in RECIPES.items():
        (path,) = compiled.rglob(f"onefile_{recipe.mart}.sql")
        made[name] = _tidied(path.read_text(encoding="utf-8"), descriptions[path.stem], recipe.order)
    return made


def _tidied(sql: str, description: str, order: str) -> str:
    sql = _without_what_is_not_needed(sql)
    sql = re.sub(r'"postgres"\."(\w+)"\."(\w+)"', r"\1.\2", sql).replace(_INSERTED, "")
    sql = sql.replace("stg_onefile_", "staged_").replace("int_onefile_", "all_")
    body = "\n".join(line.rstrip() for line in sql.splitlines() if line.strip())
    streams = sorted(set(re.findall(rf"from {SCHEMA}\.(\w+)", body)))
    notes = [
        description,
        f"Needs: the streams {', '.join(streams[:-1])} and {streams[-1]}.",
        "Made from the models in examples/dbt/, which say what it means; docs/dbt.md explains them.",
    ]
    head = "\n".join(textwrap.fill(note, 118, initial_indent="-- ", subsequent_indent="-- ") for note in notes)
    return f"{head}\n{body}\nORDER BY {order};\n"


def _without_what_is_not_needed(sql: str) -> str:
    """Leave out models that dbt inserts for want of knowing better, and columns of the streams that nothing names."""
    first, *parts = re.split(rf"(?:^with|,) +({_INSERTED}\w+) as \($", sql, flags=re.MULTILINE)
    inserted = dict(zip(parts[::2], parts[1::2], strict=True))
    last = next(reversed(inserted))
    inserted[last], rest = _to_its_end(inserted[last])
    while unused := [name for name in inserted if not any(name in text for text in (rest, *_others(inserted, name)))]:
        for name in unused:
            del inserted[name]
    said = "\n".join((rest, *(text for name, text in inserted.items() if _STAGED not in name)))
    for name, text in inserted.items():
        if _STAGED in name:
            inserted[name] = _with_columns(text, set(re.findall(r"\w+", said)))
    models = ",\n".join(f"{name} as ({text.rstrip().removesuffix(')').rstrip()}\n)" for name, text in inserted.items())
    return f"{first}with {models}{rest.replace(chr(10) + ' select', chr(10) + 'select')}"


def _to_its_end(text: str) -> tuple[str, str]:
    """Part the last of the inserted models from what follows it."""
    depth = 1
    for place, sign in enumerate(text):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if not depth:
            rest = text[place + 1 :]
            return text[: place + 1], rest if rest.lstrip().startswith(",") else f"\n{rest}"
    raise ValueError(text)


def _others(inserted: dict[str, str], name: str) -> list[str]:
    return [text for other, text in inserted.items() if other != name]


def _with_columns(staged: str, named: set[str]) -> str:
    lines = staged.splitlines()
    kept = [line for line in lines if not (found := re.search(r" as (\w+),?$", line)) or found[1] in named]
    # The last column has no comma after it.
    for place, line in enumerate(kept):
        if line.startswith("from "):
            kept[place - 1] = kept[place - 1].removesuffix(",")
    return "\n".join(kept)
