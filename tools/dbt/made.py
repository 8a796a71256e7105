"""The files of the dbt package that say what the catalog says."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import yaml

from tap_onefile.records.convert import kind_of
from tap_onefile.records.fields import DATA_CLASS, SPECIAL
from tap_onefile.streams import STREAMS
from tools import ROOT
from tools.docs.tables import summary

if TYPE_CHECKING:
    from tap_onefile.streams.base import OneFileStream

    Rule = dict[str, Any]

_MADE = "Made from the catalog by `make docs`: do not change it by hand."
_DAYS = {
    "AchievedDate", "CertificateAppliedDate", "CertificateReceivedDate", "CompletedOn", "DOB", "PlanOn", "PlannedEnd",
    "PlannedEndDate", "RegistrationDate", "StartDate", "StartOn",
}  # fmt: skip
"""Timestamps that stand for a day; the others are moments."""
_NAMES = {
    "DOB": "date_of_birth",
    "DefaultAssessorID": "assessor_id",
    "DefaultEmployerID": "employer_id",
    "StartOn": "started",
    "StartDate": "started",
    "PlannedEndDate": "planned_end",
}
_NAMES_IN = {
    "assigned_standards": {"ID": "standard_id"},
    "learning_aims": {"UserID": "learner_id", "Status": "status_id"},
    "learner_statuses": {"ID": "status_id"},
    "learning_aim_statuses": {"ID": "status_id"},
    "learners": {"LearnerStatusID": "status_id"},
    "archived_learners": {"ID": "learner_id", "LearnerStatusID": "status_id"},
    "off_the_job": {"ID": "learner_id"},
    "reviews": {"Status": "status_id"},
    "unit_summaries": {"UserID": "learner_id", "Status": "status_id"},
}
"""Names that would otherwise be those of the fields in snake_case, and `ID` the id of what the stream holds."""
_KINDS = {
    "integer": "integer",
    "number": "number",
    "string": "text",
    "array": "text",
    "boolean": "flag",
    "date-time": "moment",
}
_MEANINGS = {
    "day": " A day in UK time.",
    "moment": " A moment in UTC.",
    "reference": " Null for nobody.",
}
_ADDED = {
    "customer": "Whose record it is: a name in the variable onefile_schemas, or the schema.",
    "loaded_at": "When the loader last had the record, in UTC.",
    "run_started": "When the run that last had the record began, in milliseconds since 1970, as the loader keeps it.",
}


def files() -> dict[str, str]:
    """Make them, by their path in the package."""
    return {
        "macros/fields.sql": _fields(),
        "models/sources.yml": _sources(),
        "models/staging/staging.yml": _staging(),
        **{f"models/staging/stg_onefile_{stream.name}.sql": _model(stream) for stream in STREAMS},
        "seeds/onefile_roles.csv": _roles(),
        "seeds/onefile_codes.csv": _codes(),
    }


def column(stream: str, field: str) -> str:
    """Return the name of the column of a field in the staging models."""
    if field in (own := _NAMES_IN.get(stream, {})):
        return own[field]
    if field == "ID":
        return f"{_singular(stream)}_id"
    if field in _NAMES:
        return _NAMES[field]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", field).lower()


def _singular(stream: str) -> str:
    for ending, by in (("summaries", "summary"), ("statuses", "status"), ("s", "")):
        if stream.endswith(ending):
            return stream.removesuffix(ending) + by
    return stream


def kind(stream: type[OneFileStream], field: str, rule: Rule) -> str:
    """Return what the staging models make of a field."""
    if field in _DAYS:
        return "day"
    found = _KINDS[kind_of(rule)]
    if found == "integer" and field.endswith("ID"):
        is_own = field in stream.primary_keys or field in {"StatusID", "Status"}
        return "integer" if is_own else "reference"
    return found


def _fields() -> str:
    lines = []
    for stream in STREAMS:
        lines.append(f"        '{stream.name}': [")
        for field, rule in stream.schema["properties"].items():
            special = ", 'special': true" if rule[DATA_CLASS] == SPECIAL else ""
            lines.append(
                f"            {{'field': '{field}', 'as': '{column(stream.name, field)}', "
                f"'kind': '{kind(stream, field, rule)}'{special}}},"
            )
        lines.append("        ],")
    table = "\n".join(["{{ return({", *lines, "    }[stream]) }}"])
    names = "\n".join(["{{ return([", *(f"        '{stream.name}'," for stream in STREAMS), "    ]) }}"])
    return (
        f"{{#- {_MADE} -#}}\n{{% macro fields(stream) %}}\n    {table}\n{{% endmacro %}}\n\n\n"
        f"{{% macro streams() %}}\n    {names}\n{{% endmacro %}}\n"
    )


def _model(stream: type[OneFileStream]) -> str:
    return f"{{#- {_MADE} -#}}\n{{{{ onefile.stage('{stream.name}') }}}}\n"


def _sources() -> str:
    tables = []
    for stream in STREAMS:
        key = list(stream.primary_keys)
        tables.append(
            {
                "name": stream.name,
                "description": summary(stream),
                "data_tests": [{"onefile.key_of_stream": {"arguments": {"stream": stream.name, "columns": key}}}],
                "columns": [
                    {"name": field, "quote": True, "description": rule["description"]}
                    for field, rule in stream.schema["properties"].items()
                ],
            }
        )
    source = {
        "name": "onefile",
        "description": "What tap-onefile loads: a table for each stream, in one schema.",
        "database": "{{ var('onefile_database', target.database) }}",
        "schema": "{{ var('onefile_schema', 'tap_onefile') }}",
        "config": {
            "loaded_at_query": "select max(_sdc_batched_at) from {{ this }}",
            "freshness": {"warn_after": {"count": 36, "period": "hour"}, "error_after": {"count": 7, "period": "day"}},
        },
        "tables": tables,
    }
    return _yaml({"version": 2, "sources": [source]})


def _staging() -> str:
    models = []
    for stream in STREAMS:
        columns = [
            {
                "name": column(stream.name, field),
                "description": rule["description"] + _MEANINGS.get(kind(stream, field, rule), ""),
            }
            for field, rule in stream.schema["properties"].items()
            # These are there only where they were loaded.
            if rule[DATA_CLASS] != SPECIAL
        ]
        key = [column(stream.name, field) for field in stream.primary_keys]
        models.append(
            {
                "name": f"stg_onefile_{stream.name}",
                "description": f"{summary(stream)} Without deleted rows.",
                "data_tests": [{"onefile.key": {"arguments": {"columns": ["customer", *key]}}}],
                "columns": [
                    {"name": "customer", "description": _ADDED["customer"]},
                    *columns,
                    *({"name": name, "description": _ADDED[name]} for name in ("loaded_at", "run_started")),
                ],
            }
        )
    return _yaml({"version": 2, "models": models})


def _roles() -> str:
    rows = [(role, stream.name, _label(stream)) for stream in STREAMS if (role := stream.row_defaults.get("Role"))]
    return _csv(("role", "stream", "name"), sorted(rows))


def _label(stream: type[OneFileStream]) -> str:
    words = _singular(stream.name).replace("_", " ")
    return re.sub(r"\b(iqa|eqa)\b", lambda found: found[0].upper(), words)


def _codes() -> str:
    """Read the codes from the page that explains them: two lists have the same codes for other things."""
    text = (ROOT / "docs" / "codes.md").read_text(encoding="utf-8")
    rows, current = [], ""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == len(("field", "code", "meaning", "source")):
            current = (re.findall(r"`(\w+)`", cells[0]) or [current])[0]
            rows += [(current, code, cells[2]) for code in _each(cells[1]) if _is_meaning(cells[2])]
        elif line.startswith("| ") and len(cells) == len(("code", "meaning", "source")):
            rows += [("LLDDCat", code, cells[1]) for code in _each(cells[0]) if _is_meaning(cells[1])]
    sexes = [("L13", "F", "female"), ("L13", "M", "male")]
    return _csv(("list", "code", "meaning"), [*rows, *sexes])


def _each(codes: str) -> list[str]:
    found: list[str] = []
    for part in codes.split(", "):
        first, _, last = part.partition(" to ")
        if first.isdecimal():
            found += map(str, range(int(first), int(last or first) + 1))
    return found


def _is_meaning(text: str) -> bool:
    return text not in {"Meaning", "as they are"} and not re.search(r"published in|older list", text)


def _csv(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([header, *rows])
    return out.getvalue()


def _yaml(content: dict[str, Any]) -> str:
    text = yaml.safe_dump(json.loads(json.dumps(content)), sort_keys=False, allow_unicode=True, width=120)
    return f"# {_MADE}\n{text}"
