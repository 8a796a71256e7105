"""Where the API reference says that something is unknown, every answer gives the same records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from onefile_sandbox import Behaviour, Sandbox
from tests.expected import by_id
from tests.running import config_for, run_tap, select
from tools import CORE_STREAMS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartSandbox

    Records = dict[str, dict[Any, dict[str, Any]]]

SPELLINGS: list[dict[str, Any]] = [
    {"quoted_session": True},
    {"session_whitespace": True},
    {"quoted_session": True, "session_whitespace": True},
    {"past_the_end": "empty-body"},
    {"past_the_end": "[]"},
    {"past_the_end": "null"},
    {"past_the_end": "404"},
    {"no_hits": "empty-body"},
    {"no_hits": "[]"},
    {"no_hits": "null"},
    {"no_hits": "404", "past_the_end": "404"},
    {"page_size_cap": 3},
    {"page_size_cap": 1},
    {"date_style": "z-millis"},
    {"date_style": "offset"},
    {"date_style": "naive"},
    {"date_style": "ticks"},
    {"absent_values": "missing"},
    {"absent_values": "null"},
    {"absent_values": "empty"},
    {"order": "by-name"},
    {"order": "shuffled"},
    {"booleans": "text"},
    {"ids_as_text": True},
    {"codes_as_numbers": True},
    {"ignores_paging": True},
    {"ignores_paging": "some"},
    {"session_calls": 5},
    {"session_calls": 5, "expired_status": 403},
    {"unpaged": "404"},
    {"unpaged": "400", "framework_template_paging": True},
    {"unpaged": "hundred"},
    {"encoding": "utf-8-sig"},
    {"encoding": "utf-16"},
    {"encoding": "gzip"},
    {"organisation_paging": False},
]
"""Ways to say the same; the records must not depend on them."""

CONTENTS: list[dict[str, Any]] = [
    {"paged_rows": "thin"},
    {"last_modified": "absent"},
    {"last_modified": "sometimes"},
    {"sentinels": False},
]
"""Ways to say more or less; the records must be what the sandbox says that it sends."""


def settled(behaviour: dict[str, Any]) -> Behaviour:
    """Make a behaviour of what a case of the matrix names."""
    return replace(Behaviour(), **behaviour)


def name_of(behaviour: dict[str, Any]) -> str:
    """Name a case of the matrix."""
    return ",".join(f"{name}={value}" for name, value in behaviour.items())


def read_all(tmp_path: Path, sandbox: Sandbox) -> Records:
    """Run the tap and give its records by stream and id."""
    run = run_tap(tmp_path, config_for(sandbox, page_size=10))
    assert run.status == 0, run.stderr
    return {stream: by_id(run.records[stream]) for stream in CORE_STREAMS}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """Give the records under the likeliest behaviour."""
    with Sandbox(
        learners=40, organisations=2, seed=7, calls_per_minute=0, behaviour=Behaviour(date_style="z-millis")
    ) as sandbox:
        return read_all(tmp_path_factory.mktemp("usual"), sandbox)


@pytest.mark.slow
@pytest.mark.parametrize("behaviour", SPELLINGS, ids=name_of)
def test_the_spelling_changes_nothing(
    tmp_path: Path,
    start_sandbox: StartSandbox,
    usual: Records,
    behaviour: dict[str, Any],
) -> None:
    sandbox = start_sandbox(learners=40, behaviour=settled({"date_style": "z-millis", **behaviour}))

    records = read_all(tmp_path, sandbox)

    # What follows the date style is sent on as OneFile spells it, since nothing shows that it is a date.
    ignored = "CentreRegister" if "date_style" in behaviour else None
    for stream in CORE_STREAMS:
        assert without(ignored, records[stream]) == without(ignored, usual[stream]), stream


def without(name: str | None, records: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Leave a field out of records."""
    return {key: {field: record[field] for field in record if field != name} for key, record in records.items()}


@pytest.mark.parametrize("paging", [False, True], ids=["pages", "no pages"])
@pytest.mark.parametrize("order", ["by-id", "unstable"])
def test_a_search_without_pages_that_is_cut_loses_nothing_that_pages_have(
    tmp_path: Path, start_sandbox: StartSandbox, order: str, *, paging: bool
) -> None:
    behaviour = settled({"unpaged": "hundred", "order": order, "ignores_paging": paging})
    sandbox = start_sandbox(learners=330, organisations=1, behaviour=behaviour)

    run = run_tap(tmp_path, config_for(sandbox, page_size=30))

    ids = {record["ID"] for record in run.records["learners"]}
    assert ids == {row["ID"] for row in sandbox.records("learners")} or "learners" in run.last_line
    assert (run.status == 0) == (not paging and order == "by-id")


def test_latin_1_is_read_or_refused_by_name(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(learners=60, behaviour=Behaviour(encoding="latin-1"))

    run = run_tap(tmp_path, config_for(sandbox))

    assert run.status == 0, run.stderr
    truth = {row["ID"]: row for row in sandbox.records("learners")}
    lost = [
        name
        for record in run.records["learners"]
        for name in ("FirstName", "LastName", "HomeAddress", "EpisodeName")
        if (record[name] or None) != (truth[record["ID"]].get(name) or None)
    ]
    assert lost, "the sandbox must hold letters beyond ASCII"
    for name in set(lost):
        assert f"learners: {name} was sent as null in {lost.count(name)} records" in run.stderr


@pytest.mark.parametrize("behaviour", CONTENTS, ids=name_of)
def test_what_is_sent_arrives(tmp_path: Path, start_sandbox: StartSandbox, behaviour: dict[str, Any]) -> None:
    sandbox = start_sandbox(learners=40, behaviour=settled(behaviour))

    records = read_all(tmp_path, sandbox)

    for stream in CORE_STREAMS:
        sent = {
            row["ID"]: {name for name, value in row.items() if value not in {None, ""}}
            for row in _rows(sandbox, stream)
        }
        arrived = {
            key: {name for name, value in record.items() if value is not None}
            for key, record in records[stream].items()
        }
        for key, names in sent.items():
            assert names <= arrived[key]
        assert sent.keys() == arrived.keys()


def _rows(sandbox: Sandbox, stream: str) -> list[dict[str, Any]]:
    return [
        {name: str(value) if isinstance(value, list) else value for name, value in row.items()}
        for row in sandbox.records(stream)
    ]


@pytest.mark.parametrize("streams", [("learners", "off_the_job"), ("off_the_job",)])
def test_what_is_asked_for_by_learner_is_whatever_the_spelling_of_ids(
    tmp_path: Path, start_sandbox: StartSandbox, streams: tuple[str, ...]
) -> None:
    sandbox = start_sandbox(learners=25, organisations=2, behaviour=Behaviour(ids_as_text=True))

    run = run_tap(tmp_path, config_for(sandbox, page_size=10), *select(tmp_path, *streams))

    assert run.status == 0, run.stderr
    asked = sorted(record["ID"] for record in run.records["off_the_job"])
    assert asked == sorted(int(row["ID"]) for row in sandbox.records("off_the_job"))


@pytest.mark.parametrize("way", ["nothing", "400"])
@pytest.mark.parametrize("streams", [("learners", "learning_aims"), ("learning_aims",)])
def test_aims_that_onefile_gives_only_of_a_learner_are_asked_for_by_learner(
    tmp_path: Path, start_sandbox: StartSandbox, way: str, streams: tuple[str, ...]
) -> None:
    sandbox = start_sandbox(learners=12, organisations=2, behaviour=Behaviour.parse([f"learning_without_user={way}"]))

    run = run_tap(tmp_path, config_for(sandbox), *select(tmp_path, *streams))

    assert run.status == 0, run.stderr
    truth = sandbox.records("learning_aims")
    assert sorted(record["ID"] for record in run.records["learning_aims"]) == sorted(row["ID"] for row in truth)
    assert "learning_aims: OneFile gives only those of a learner who is named" in run.stderr
