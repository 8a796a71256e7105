"""The tables of the documentation, made from the code.

The Markdown files call these functions in comments that cog runs: `make docs` writes the tables, and a test fails
where one is stale.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL

from tap_onefile.records.fields import CERTAINTY, DATA_CLASS, MARKS, SOURCE
from tap_onefile.streams import STREAMS
from tap_onefile.tap import SETTINGS
from tools import ROOT, address
from tools.docs.examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_onefile.streams.base import OneFileStream

_DOCS = ROOT / "docs"
_MELTANO = ROOT / "meltano.yml"
_LOADED = ROOT / "tools" / "loaders" / "results.json"
_RECIPES = ROOT / "examples" / "recipes"
_SCHEDULES = ROOT / "examples" / "schedules"
_MEASURED = ROOT / "tools" / "benchmarks" / "results.json"
_CALLS_PER_MINUTE = 300
_GROUPS = {
    "learners": "Learners",
    "learning": "Progress",
    "people": "Staff and employers",
    "places": "Places",
    "qualifications": "Qualifications",
    "organisations": "Organisations",
}
"""What readers call the streams of a module, in the order in which they look for them."""
_ELSEWHERE = {
    "learners": "learners",
    "archived_learners": "learners",
    "learner_statuses": "learners",
    "learning_aim_statuses": "qualifications",
    "assigned_standards": "qualifications",
}
"""The streams that readers look for elsewhere than in their module's group."""
_IN_THE_CODE = re.compile(r"\s\(API reference, section [^)]*\)")
"""What a docstring says to those who have the notes that the code was written from."""
_LARGE = 50_000
"""Learners from which a customer is large."""


def recipe(name: str) -> str:
    """Show the result of a recipe, and where its SQL is.

    Args:
        name: The name of its file, without the suffix.
    """
    return f"`examples/recipes/{name}.sql` gives, among others:\n\n{result(name)}"


def result(name: str) -> str:
    """Show some of the result of a recipe.

    Args:
        name: The name of its file, without the suffix.
    """
    return (_RECIPES / "examples" / f"{name}.md").read_text(encoding="utf-8").rstrip()


def sql(name: str) -> str:
    """Show a file of SQL.

    Args:
        name: Its name, without the suffix.
    """
    query = (_RECIPES / f"{name}.sql").read_text(encoding="utf-8")
    return f"```sql\n{query}```"


def targets() -> str:
    """Make the table of tested loaders, with what they were tested with."""
    first = _loaded()[0]
    tried = f"All {first['streams']} streams that have records in the sandbox, {first['records']:,} records:"
    return f"{tried}\n\n{short_targets()}"


def short_targets() -> str:
    """Make the table of tested loaders from the results of `make targets`."""
    rows = [
        (
            each["label"],
            f"`{each['package']}`",
            each["version"],
            "no: " + each["differences"][0] if each["differences"] else "yes",
        )
        for each in _loaded()
    ]
    return _table(("Into", "Package", "Version", "Correct"), rows)


def columns() -> str:
    """Make the table of the names that columns get, from the same results."""
    rows = [
        (
            f"{each['label']} (`{each['package']}`)",
            each["names"],
            "`defaultassessorid`" if each["names"] == "in lower case" else "`DefaultAssessorID`",
            ", ".join(f"`{name}`" for name in each["added"]) or "none",
        )
        for each in _loaded()
        if not each["differences"]
    ]
    return _table(("Into", "Names of fields", "Such as", "Columns that the loader adds"), rows)


def _loaded() -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = json.loads(_LOADED.read_text(encoding="utf-8"))
    return results


def schedule(name: str, language: str, *, folded: bool = False) -> str:
    """Show a file of examples/schedules/.

    Args:
        name: Its name.
        language: Its language, for syntax highlighting.
        folded: Whether it is shown only on a click.
    """
    text = (_SCHEDULES / name).read_text(encoding="utf-8")
    shown = f"`examples/schedules/{name}`:\n\n```{language}\n{text}```"
    return _folded("The file", shown) if folded else shown


def schedule_settings() -> str:
    """Make the table of the environment variables of the examples for orchestrators."""
    body = ast.parse((_SCHEDULES / "onefile_loads.py").read_text(encoding="utf-8")).body
    rows = []
    for constant, docstring in pairwise(body):
        found = re.search(r"os\.environ\.get\('(\w+)', '([^']*)'\)", ast.unparse(constant))
        if found and isinstance(constant, ast.Assign):
            meaning = ast.literal_eval(docstring.value) if isinstance(docstring, ast.Expr) else ""
            rows.append((f"`{found[1]}`", found[2] and f"`{found[2]}`", meaning.replace("\n", " ")))
    return _table(("Variable", "Default", "What it means"), rows)


def scale() -> str:
    """Make the table of what the benchmark's largest customers took."""
    measured = json.loads(_MEASURED.read_text(encoding="utf-8"))["extraction"]
    rows: dict[tuple[object, ...], tuple[str, ...]] = {}
    for block in measured["blocks"]:
        situation, runs = block["situation"], block["runs"].get("tap")
        if not runs or situation["calls_per_minute"] or situation["workload"]["learners"] < _LARGE:
            continue
        calls, cpu, memory = (median(run[name] for run in runs) for name in ("calls", "cpu", "rss"))
        minutes = calls / _CALLS_PER_MINUTE
        customer = (situation["workload"]["learners"], situation["workload"]["organisations"], situation["page_size"])
        # The latency makes no difference to any of it.
        rows.setdefault(
            customer,
            (
                f"{customer[0]:,}",
                *map(str, customer[1:]),
                f"{calls:,.0f}",
                f"{minutes:.1f}",
                f"{cpu:.0f} s, {cpu / minutes / 60:.0%} of that time",
                f"{memory / 1e6:.0f} MB",
            ),
        )
    header = ("Learners", "Organisations", "Page size", "Calls", "Minutes at 300 a minute", "Processor", "Memory")
    return f"On {measured['machine']}:\n\n{_table(header, [row for _, row in sorted(rows.items())])}"


def settings() -> str:
    """Make the table of settings."""
    rows = []
    for name, rule in SETTINGS["properties"].items():
        default = _default(rule)
        required = name in SETTINGS.get("required", ())
        rows.append((f"`{name}`", "required" if required else f"`{default}`" if default else "", rule["description"]))
    return _table(("Setting", "Default", "What it means"), rows)


def streams() -> str:
    """Make the short table of the streams that are on by default."""
    rows = [(f"`{stream.name}`", summary(stream)) for stream in STREAMS if stream.selected_by_default]
    return _table(("Stream", "What it holds"), rows)


def optional_streams() -> str:
    """Name the streams that are off by default."""
    names = [f"`{stream.name}`" for stream in STREAMS if not stream.selected_by_default]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def index() -> str:
    """Make the table of all streams, each with a link to its page, in the order of the menu."""
    return _table(
        ("Stream", "What it holds"),
        [
            (_link(stream), summary(stream) + ("" if stream.selected_by_default else " *Off by default.*"))
            for streams in groups().values()
            for stream in streams
        ],
    )


def costs() -> str:
    """Make the table of how many calls each stream takes."""
    return _table(
        ("Stream", "Calls"),
        [
            (_link(stream), f"for each {_parent(stream)}: {_calls(stream)}")
            if stream.parent_stream_type
            else (_link(stream), "one")
            for stream in STREAMS
        ],
    )


def replication() -> str:
    """Make the table of how each stream is replicated."""
    return _table(
        ("Stream", "Key", "Replication"),
        [(_link(stream), _keys(stream), _replication(stream)) for stream in STREAMS],
    )


def marks() -> str:
    """Make the table of what the marks of certainty mean."""
    return _table(("Mark", "What it means"), [(f"*{mark}*", meaning) for mark, meaning in MARKS.items()])


def certainty(page: str) -> str:
    """Say in one sentence how sure we are of the fields.

    Args:
        page: The page that tells what the marks mean.
    """
    marks = [rule[CERTAINTY] for stream in STREAMS for rule in stream.schema["properties"].values()]
    count = {mark: marks.count(mark) for mark in MARKS}
    return (
        f"Of {len(marks)} fields in {len(STREAMS)} streams, OneFile's own help documents {count['documented']} and "
        f"public programs read {count['seen'] + count['seen once']}; {count['expected']} are expected (shown for "
        f"writing, or in exports), {count['guessed']} guessed, and {count['from the tap']} made by the tap.\n"
        f"[Each field says which]({page}#how-to-read-the-tables-of-fields)."
    )


def stream(name: str) -> str:
    """Make the page of one stream, below its heading.

    Args:
        name: The name of the stream.

    Returns:
        What it holds, how it is read, its fields and an example.
    """
    (stream,) = (each for each in STREAMS if each.name == name)
    parent = parent_of(stream)
    children = [f"[`{each.name}`]({each.name}.md)" for each in STREAMS if each.parent_stream_type is stream]
    facts = [
        ("Child of", f"[`{parent.name}`]({parent.name}.md)" if parent else "the token"),
        ("Key", _keys(stream)),
        ("Replication", _replication(stream)),
        ("Read by", f"`{stream.call()}`"),
        (f"Calls for each {_parent(stream)}", _calls(stream)),
        ("On by default", "yes" if stream.selected_by_default else f"no: `meltano select tap-onefile {name} '*'`"),
    ]
    if children:
        facts.insert(1, ("Children", ", ".join(children)))
    fields = [
        (f"`{field}`", _type(rule), rule[DATA_CLASS], rule["description"], f"*{rule[CERTAINTY]}*, {rule[SOURCE]}")
        for field, rule in stream.schema["properties"].items()
    ]
    return "\n\n".join(
        (
            _IN_THE_CODE.sub("", inspect.cleandoc(stream.__doc__ or "")),
            "\n".join(f"- **{what}:** {value}" for what, value in facts),
            f"## `{name}`: fields",
            _table(("Field", "Type", "Data class", "Meaning", "How sure, and from where"), fields),
            "[What these words mean](../streams.md#how-to-read-the-tables-of-fields)",
            f"## `{name}`: example {{ data-search-exclude }}",
            "An invented record, with `special_category_data` on where the stream has such fields.",
            f"```json\n{json.dumps(examples()[name], indent=2, ensure_ascii=False)}\n```",
        ),
    )


def to_paste() -> str:
    """Make the block to paste into meltano.yml.

    Without a selection Meltano selects every stream, whatever the catalog says, so the default selection is in it.
    """
    settings = "\n".join(f"    - {{{_declaration(name, rule)}}}" for name, rule in SETTINGS["properties"].items())
    selected = [f"{stream.name}.*" for stream in STREAMS if stream.selected_by_default]
    select = textwrap.fill(f"select: [{', '.join(selected)}]", 78, initial_indent="    ", subsequent_indent="      ")
    text = _MELTANO.read_text(encoding="utf-8")
    loader = re.search(r"pip_url: (meltanolabs-target-postgres==\S+)", text)
    settings_of_the_loader = r"^    #[^\n]*\n    - {name: validate_records.*?(?=^    settings_group)"
    fast = re.search(settings_of_the_loader, text, re.MULTILINE | re.DOTALL)
    if not loader or not fast:
        raise LookupError(_MELTANO)
    return f"""```yaml
plugins:
  extractors:
  - name: tap-onefile
    namespace: tap_onefile
    pip_url: {address.package()}
    executable: tap-onefile
    capabilities:
      [about, activate-version, catalog, discover, schema-flattening, state,
       stream-maps, structured-logging]
    settings:
{settings}
{select}
  loaders:
  - name: target-postgres
    namespace: target_postgres
    variant: meltanolabs
    pip_url: {loader[1]}
    executable: target-postgres
    dialect: postgres
    settings:
    - {{name: sqlalchemy_url, kind: string, sensitive: true}}
    - {{name: default_target_schema, kind: string, value: $MELTANO_EXTRACT__LOAD_SCHEMA}}
{re.sub(", label: [^,]*", "", fast[0])}```"""


def groups() -> dict[str, list[type[OneFileStream]]]:
    """Sort the streams as readers look for them, learners first."""
    found: dict[str, list[type[OneFileStream]]] = {title: [] for title in _GROUPS.values()}
    for stream in STREAMS:
        module = stream.__module__.rsplit(".", 1)[-1]
        found[_GROUPS[_ELSEWHERE.get(stream.name, module)]].append(stream)
    found["Learners"].sort(key=lambda stream: list(_ELSEWHERE).index(stream.name))
    return found


def navigation() -> str:
    """Make the entries of the streams in the navigation of the site."""
    return "\n".join(
        line
        for title, streams in groups().items()
        for line in (f'    {{ "{title}" = [', *(f'      "streams/{each.name}.md",' for each in streams), "    ] },")
    )


def default_selection() -> str:
    """Make the entries of ``select`` for meltano.yml."""
    return "\n".join(f"- {stream.name}.*" for stream in STREAMS if stream.selected_by_default)


def other_pages() -> str:
    """Make the entry of the pages that the navigation does not name, so that a new page is in it by itself."""
    named = re.findall(r'= "([\w-]+\.md)"', (ROOT / "zensical.toml").read_text(encoding="utf-8"))
    others = [f'    "{page.name}",' for page in sorted(_DOCS.glob("*.md")) if page.name not in named]
    return "\n".join(('  { "More" = [', *others, "  ] },")) if others else ""


def data_classes() -> str:
    """Make the table of personal and special category fields, each with the streams that have it."""
    having: dict[tuple[str, str], list[str]] = {}
    for stream in STREAMS:
        for name, rule in stream.schema["properties"].items():
            having.setdefault((rule[DATA_CLASS], name), []).append(stream.name)
    rows = [
        (f"`{name}`", data_class, ", ".join(f"`{stream}`" for stream in streams))
        for (data_class, name), streams in having.items()
        if data_class != "none"
    ]
    everyone = ", ".join(f"`{stream.name}`" for stream in STREAMS if "FirstName" in stream.schema["properties"])
    rows = [(field, data_class, where.replace(everyone, "all streams of people")) for field, data_class, where in rows]
    return _table(("Field", "Class", "In"), rows)


def _default(rule: dict[str, Any]) -> str:
    default = rule.get("default", "")
    return default if isinstance(default, str) else json.dumps(default)


def to_select() -> str:
    """Make the command that selects what is selected by default."""
    selected = json.dumps([f"{stream.name}.*" for stream in STREAMS if stream.selected_by_default])
    return f"```console\nmeltano config set tap-onefile _select '{selected}'\n```"


def _declaration(name: str, rule: dict[str, Any]) -> str:
    # Meltano reads a date the American way, 05/04/2026 as 4 May; as a string it reaches the tap, which refuses it.
    kind = "string" if rule.get("format") == "date-time" else _type(rule)
    return f"name: {name}, kind: {kind}" + (", sensitive: true" if rule.get("secret") else "")


def summary(stream: type[OneFileStream]) -> str:
    """Return what a stream holds, by the first paragraph of its docstring."""
    return inspect.cleandoc(stream.__doc__ or "").split("\n\n", 1)[0].replace("\n", " ")


def _link(stream: type[OneFileStream]) -> str:
    return f"[`{stream.name}`](streams/{stream.name}.md)"


def _keys(stream: type[OneFileStream]) -> str:
    return ", ".join(f"`{key}`" for key in stream.primary_keys)


def parent_of(stream: type[OneFileStream]) -> type[OneFileStream] | None:
    """Return the stream that a stream is a child of, if there is one."""
    return next((each for each in STREAMS if each is stream.parent_stream_type), None)


def _parent(stream: type[OneFileStream]) -> str:
    parent = parent_of(stream)
    return parent.name.removesuffix("s") if parent else "token"


def _replication(stream: type[OneFileStream]) -> str:
    key: object = stream.replication_key
    if not isinstance(key, str):
        return "full table"
    is_incremental = stream.default_replication_method == REPLICATION_INCREMENTAL
    return f"incremental by `{key}`" if is_incremental else f"full table, or incremental by `{key}` if asked for"


def _calls(stream: type[OneFileStream]) -> str:
    if "/Search/" in stream.call():
        detailed = stream.name in SETTINGS["properties"]["fetch_details"]["default"]
        return "one for each page, and one more" + (", and one for each record" if detailed else "")
    return "one for each learner" if "{learner}" in stream.call() else "one"


def _type(rule: dict[str, Any]) -> str:
    if rule.get("format") == "date-time":
        return "timestamp"
    kinds = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    return next(str(kind) for kind in kinds if kind != "null")


def _folded(title: str, text: str) -> str:
    # Without the attribute the site would show the Markdown within as it is written.
    return f"<details markdown='1'><summary>{title}</summary>\n\n{text}\n\n</details>"


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(header), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
