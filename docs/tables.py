"""The tables of the documentation, made from the code.

The Markdown files call these functions in comments that cog runs: `make docs` writes the tables, and a test fails
where one is stale.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from tap_onefile.settings import SETTINGS
from tap_onefile.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_onefile.streams.base import OneFileStream


def settings() -> str:
    """Make the table of settings."""
    rows = []
    for name, rule in SETTINGS["properties"].items():
        default = str(rule.get("default", ""))
        required = name in SETTINGS.get("required", ())
        rows.append((f"`{name}`", "required" if required else f"`{default}`" if default else "", rule["description"]))
    return _table(("Setting", "Default", "What it means"), rows)


def streams() -> str:
    """Make the table of streams."""
    return _table(
        ("Stream", "What it holds", "Read by", "For each", "Calls", "Key", "Replication", "On by default"),
        [
            (
                f"[`{stream.name}`](docs/streams.md#{stream.name})",
                _summary(stream),
                f"`{stream.call()}`",
                _parent(stream),
                _calls(stream),
                ", ".join(f"`{key}`" for key in stream.primary_keys),
                _replication(stream),
                "yes" if stream.selected_by_default else "no",
            )
            for stream in STREAMS
        ],
    )


def picture() -> str:
    """Draw what hangs from what."""
    edges = [f"  {stream.parent_stream_type.name} --> {stream.name}" for stream in STREAMS if stream.parent_stream_type]
    return "\n".join(["```mermaid", "flowchart LR", *edges, "```"])


def fields() -> str:
    """Make a section with a table of fields for each stream."""
    sections = []
    for stream in STREAMS:
        rows = [
            (f"`{name}`", _type(rule), rule["x-onefile-data-class"], rule["description"])
            for name, rule in stream.schema["properties"].items()
        ]
        about = inspect.cleandoc(stream.__doc__ or "")
        sections.append(f"## {stream.name}\n\n{about}\n\n{_table(('Field', 'Type', 'Data class', 'Meaning'), rows)}")
    return "\n\n".join(sections)


def data_classes() -> str:
    """Make the table of personal and special category fields, each with the streams that have it."""
    having: dict[tuple[str, str], list[str]] = {}
    for stream in STREAMS:
        for name, rule in stream.schema["properties"].items():
            having.setdefault((rule["x-onefile-data-class"], name), []).append(stream.name)
    rows = [
        (f"`{name}`", data_class, ", ".join(f"`{stream}`" for stream in streams))
        for (data_class, name), streams in having.items()
        if data_class != "none"
    ]
    everyone = ", ".join(f"`{stream.name}`" for stream in STREAMS if "FirstName" in stream.schema["properties"])
    rows = [(field, data_class, where.replace(everyone, "all streams of people")) for field, data_class, where in rows]
    return _table(("Field", "Class", "In"), rows)


def _summary(stream: type[OneFileStream]) -> str:
    return inspect.cleandoc(stream.__doc__ or "").split("\n\n", 1)[0].replace("\n", " ")


def _parent(stream: type[OneFileStream]) -> str:
    return stream.parent_stream_type.name.removesuffix("s") if stream.parent_stream_type else "token"


def _replication(stream: type[OneFileStream]) -> str:
    return f"incremental by `{stream.replication_key}`" if isinstance(stream.replication_key, str) else "full table"


def _calls(stream: type[OneFileStream]) -> str:
    if "/Search/" in stream.call():
        detailed = stream.name in SETTINGS["properties"]["fetch_details"]["default"]
        return "one for each page, and one more" + (", and one for each record" if detailed else "")
    return "one for each learner" if "{learner}" in stream.call() else "one"


def _type(rule: dict[str, Any]) -> str:
    if rule.get("format") == "date-time":
        return "instant"
    kinds = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    return next(kind for kind in kinds if kind != "null")


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(header), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
