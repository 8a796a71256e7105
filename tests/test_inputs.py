"""Every wrong input is named, none is ignored, and none is blamed on the tap: settings, environment, catalog, state."""

from __future__ import annotations

import codecs
import json
import re
import string
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from onefile_sandbox import Sandbox
from tap_onefile.settings import PLACEHOLDERS
from tests.running import as_environment, config_for, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.running import Run

    Json = Any

LEARNERS = "learners"
LONG_AGO, LATER = "2020-01-01T00:00:00.000000Z", "2026-06-01T00:00:00.000000Z"
UNREACHED = {"customer_token": "a-token", "api_url": "https://onefile.test/api/v2.1", "retry_for": 0}


@pytest.fixture(scope="module")
def onefile() -> Iterator[Sandbox]:
    """Give a small customer with two organisations, for all tests here: none of them changes it."""
    with Sandbox(learners=10, organisations=2, seed=7, calls_per_minute=0) as running:
        yield running


@pytest.fixture(scope="module")
def discovered(tmp_path_factory: pytest.TempPathFactory) -> Json:
    """Give the catalog with two streams selected, as a user would write it."""
    run = run_tap(tmp_path_factory.mktemp("catalog"), {}, "--discover")
    catalog = json.loads(run.stdout)
    for entry in catalog["streams"]:
        root_of(entry)["selected"] = entry["tap_stream_id"] in {LEARNERS, "classrooms"}
    return catalog


def entry_of(catalog: Json, name: str = LEARNERS) -> Json:
    return next(entry for entry in catalog["streams"] if entry["tap_stream_id"] == name)


def root_of(entry: Json) -> Json:
    return next(each["metadata"] for each in entry["metadata"] if not each["breadcrumb"])


def field_of(entry: Json, name: str) -> Json:
    return next(each["metadata"] for each in entry["metadata"] if each["breadcrumb"] == ["properties", name])


def assert_is_no_riddle(run: Run) -> None:
    """Assert what holds of every end that a mistake of the user's leads to."""
    assert "Traceback" not in run.stderr
    assert "unexpectedly" not in run.stderr
    if run.status:
        assert run.last_line.strip()
        assert "report" not in run.last_line


# The catalog


def _without_keys(catalog: Json) -> None:
    for name in (LEARNERS, "classrooms"):
        entry_of(catalog, name).pop("key_properties")
        root_of(entry_of(catalog, name)).pop("table-key-properties", None)


def _with_empty_keys(catalog: Json) -> None:
    entry_of(catalog)["key_properties"] = []
    root_of(entry_of(catalog))["table-key-properties"] = []


def _without_replication(catalog: Json) -> None:
    entry = entry_of(catalog)
    for name in ("replication_key", "replication_method"):
        entry.pop(name, None)
    for name in ("replication-key", "valid-replication-keys", "forced-replication-method"):
        root_of(entry).pop(name, None)


@pytest.mark.parametrize("change", [_without_keys, _with_empty_keys, _without_replication])
def test_what_a_catalog_lacks_the_tap_knows(
    tmp_path: Path, onefile: Sandbox, discovered: Json, change: Callable[[Json], None]
) -> None:
    as_it_is = _run(tmp_path, onefile, catalog=discovered)
    change(catalog := deepcopy(discovered))

    run = _run(tmp_path, onefile, catalog=catalog)

    assert run.status == 0, run.stderr
    assert run.records == as_it_is.records
    assert _schemas(run) == _schemas(as_it_is)
    assert _schemas(run)[LEARNERS]["key_properties"] == ["ID"]


def test_a_catalog_without_metadata_selects_the_defaults_and_says_so(
    tmp_path: Path, onefile: Sandbox, discovered: Json
) -> None:
    for entry in (catalog := deepcopy(discovered))["streams"]:
        del entry["metadata"]

    run = _run(tmp_path, onefile, catalog=catalog)

    assert run.status == 0, run.stderr
    assert run.records.keys() == _run(tmp_path, onefile).records.keys()
    assert "does not say whether these streams are selected, so that the defaults hold: archived_learners" in run.stderr


def test_what_older_catalogs_select_beside_the_names_counts(tmp_path: Path, onefile: Sandbox, discovered: Json) -> None:
    catalog = deepcopy(discovered)
    for entry in catalog["streams"]:
        entry["schema"]["selected"] = root_of(entry)["selected"]
        entry["metadata"] = []
    entry_of(catalog)["schema"]["properties"]["Email"]["selected"] = False

    run = _run(tmp_path, onefile, catalog=catalog)

    assert run.status == 0, run.stderr
    assert run.records.keys() == {LEARNERS, "classrooms"}
    assert "Email" not in _schemas(run)[LEARNERS]["schema"]["properties"]
    assert all("Email" not in record for record in run.records[LEARNERS])


def test_a_selection_in_words_is_read(tmp_path: Path, onefile: Sandbox, discovered: Json) -> None:
    catalog = deepcopy(discovered)
    root_of(entry_of(catalog, "classrooms"))["selected"] = "false"
    field_of(entry_of(catalog), "Email")["selected"] = "False"

    run = _run(tmp_path, onefile, catalog=catalog)

    assert run.records.keys() == {LEARNERS}
    assert all("Email" not in record for record in run.records[LEARNERS])


@pytest.mark.parametrize("inclusion", ["automatic", "available", "unsupported"])
@pytest.mark.parametrize("field", ["ID", "LastModified"])
def test_a_key_that_is_deselected_is_kept_with_a_warning(
    tmp_path: Path, onefile: Sandbox, discovered: Json, field: str, inclusion: str
) -> None:
    catalog = deepcopy(discovered)
    field_of(entry_of(catalog), field).update(selected=False, inclusion=inclusion)

    run = _run(tmp_path, onefile, catalog=catalog)

    assert run.status == 0, run.stderr
    assert run.records[LEARNERS]
    assert all(record[field] for record in run.records[LEARNERS])
    assert f"The catalog deselects learners.{field}, which is sent nevertheless" in run.stderr


def test_no_warning_tells_of_keys_where_the_wanted_fields_are_listed(
    tmp_path: Path, onefile: Sandbox, discovered: Json
) -> None:
    """Meltano deselects every field before it selects those that are wanted."""
    for each in entry_of(catalog := deepcopy(discovered))["metadata"]:
        if each["breadcrumb"]:
            each["metadata"]["selected"] = each["breadcrumb"][1] == "MISID"

    run = _run(tmp_path, onefile, catalog=catalog)

    assert run.status == 0, run.stderr
    assert set(run.records[LEARNERS][0]) >= {"ID", "MISID"}
    assert "Email" not in run.records[LEARNERS][0]
    assert "deselects" not in run.stderr


def _everywhere(catalog: Json) -> None:
    for entry in catalog["streams"]:
        # As Meltano writes its `metadata:`.
        entry["replication_method"] = root_of(entry)["replication-method"] = "INCREMENTAL"


def _on_one(catalog: Json) -> None:
    root_of(entry_of(catalog, "classrooms"))["replication-method"] = "INCREMENTAL"


@pytest.mark.parametrize("change", [_everywhere, _on_one])
def test_a_stream_with_nothing_to_go_by_is_read_in_full_with_a_warning(
    tmp_path: Path, onefile: Sandbox, discovered: Json, change: Callable[[Json], None]
) -> None:
    change(catalog := deepcopy(discovered))

    run = _run(tmp_path, onefile, catalog=catalog)

    assert run.status == 0, run.stderr
    assert run.records["classrooms"]
    assert "INCREMENTAL has nothing to go by in these streams, which are read in full: classrooms\n" in run.stderr


def _set(name: str, value: object, *, field: str = "", stream: str = LEARNERS) -> Callable[[Json], None]:
    def change(catalog: Json) -> None:
        entry = entry_of(catalog, stream)
        place = entry if "-" not in name and name != "selected" else root_of(entry)
        (field_of(entry, field) if field else place)[name] = value

    return change


def _deselect_unknown(catalog: Json) -> None:
    entry_of(catalog)["metadata"].append({"breadcrumb": ["properties", "Emial"], "metadata": {"selected": False}})


WRONG_CATALOGS: list[tuple[Callable[[Json], object], str]] = [
    (_set("key_properties", ["Id"]), "key-properties of learners are Id, but .* by ID.*learners has no field Id"),
    (_set("table-key-properties", ["MISID"]), "key-properties of learners are MISID, but .* share it would be lost"),
    (_set("key_properties", 7), "key-properties of learners are"),
    (_set("replication_key", "lastmodified"), "replication-key of learners is lastmodified, .* LastModified alone"),
    (_set("replication-key", "DOB"), "replication-key of learners is DOB, .* LastModified alone"),
    (_set("replication_key", "Name", stream="classrooms"), "replication-key of classrooms is Name, .* nothing"),
    (_set("replication-method", "LOG_BASED"), "replication-method of learners must be FULL_TABLE or INCREMENTAL"),
    (_set("replication_method", "full"), "replication-method of learners must be FULL_TABLE or"),
    (_set("selected", "maybe"), "selected of learners must be true or false"),
    (_set("selected", 1, field="Email"), r"selected of learners\.Email must be true or false"),
    (_set("inclusion", "always", field="Email"), r"inclusion of learners\.Email must be one of available, automatic"),
    (_set("tap_stream_id", "students"), r'learners students, which changes .* \{"learners": \{"__alias__": "students"'),
    (_set("stream", "students"), r"catalog calls the stream learners students.*`__alias__`"),
    (_set("schema", {"properties": []}), "catalog's schema of learners is not a JSON schema"),
    (_set("metadata", {"selected": True}), "catalog's metadata of learners is not in Singer's form"),
    (lambda catalog: entry_of(catalog)["metadata"].append({"breadcrumb": "Email", "metadata": {}}), "Singer's form"),
    (_deselect_unknown, r"deselects learners\.Emial, a field .* Did you mean Email\?"),
    (lambda catalog: catalog["streams"].append(entry_of(catalog)), "holds the stream learners twice"),
    (lambda catalog: catalog["streams"].append(5), r"Entry 30 of the catalog has no tap_stream_id"),
    (lambda catalog: catalog["streams"].append({"tap_stream_id": "Reviewz", "selected": True}), "mean reviews"),
    (lambda catalog: catalog.pop("streams"), "passed to --catalog is not a Singer catalog"),
]


@pytest.mark.parametrize(("change", "sentence"), WRONG_CATALOGS, ids=map(str, range(len(WRONG_CATALOGS))))
def test_a_catalog_that_cannot_be_is_refused_by_name(
    tmp_path: Path, discovered: Json, change: Callable[[Json], None], sentence: str
) -> None:
    change(catalog := deepcopy(discovered))

    for arguments in ((), ("--test",)):
        run = _run_unreached(tmp_path, *arguments, catalog=catalog)

        assert run.status == 1
        assert not run.stdout
        _assert_ends_with(run, sentence)


def test_a_stream_that_does_not_exist_and_is_not_selected_does_no_harm(
    tmp_path: Path, onefile: Sandbox, discovered: Json
) -> None:
    catalog = deepcopy(discovered)
    catalog["streams"].append({"tap_stream_id": "visits", "schema": {}})
    entry_of(catalog)["schema"]["properties"]["Colour"] = {"type": "string"}

    run = _run(tmp_path, onefile, catalog=catalog)

    assert run.status == 0, run.stderr
    assert "lists visits, a stream that tap-onefile does not have; it is ignored" in run.stderr
    assert "lists fields of learners that tap-onefile does not have; they are ignored: Colour" in run.stderr


def test_a_stream_that_is_not_selected_may_have_the_keys_of_another_version(
    tmp_path: Path, onefile: Sandbox, discovered: Json
) -> None:
    eqas = entry_of(catalog := deepcopy(discovered), "eqas")
    eqas["key_properties"] = root_of(eqas)["table-key-properties"] = ["ID"]
    eqas["replication_key"] = "CreatedOn"

    assert _run(tmp_path, onefile, catalog=catalog).status == 0


def test_a_test_counts_the_calls_of_each_stream_that_is_selected(
    tmp_path: Path, onefile: Sandbox, discovered: Json
) -> None:
    with_catalog = _run(tmp_path, onefile, "--test", catalog=discovered)
    by_default = _run(tmp_path, onefile, "--test")

    assert re.search(r"Calls by stream, for your catalog: classrooms \d+, learners \d+\n", with_catalog.stderr)
    assert "Calls by stream, for the default selection, as no catalog was passed: " in by_default.stderr


@pytest.mark.parametrize("arguments", [(), ("--test",)], ids=["run", "test"])
def test_nothing_selected_is_said(
    tmp_path: Path, onefile: Sandbox, discovered: Json, arguments: tuple[str, ...]
) -> None:
    for entry in (catalog := deepcopy(discovered))["streams"]:
        root_of(entry)["selected"] = False

    run = _run(tmp_path, onefile, *arguments, catalog=catalog)

    assert run.status == 0
    assert not run.records
    assert "WARNING" in run.stderr
    assert "No stream is selected, so nothing is read." in run.stderr


# The state


def bookmark(organisation: object, value: object = LONG_AGO, key: str = "LastModified") -> Json:
    return {"context": {"OrganisationID": organisation}, "replication_key": key, "replication_key_value": value}


def state_of(*partitions: Json) -> Json:
    return {"bookmarks": {LEARNERS: {"partitions": list(partitions)}}}


@pytest.fixture
def both(onefile: Sandbox) -> tuple[int, int]:
    """Give the ids of both organisations."""
    first, second = onefile.world.ids("organisations")
    return first, second


WRAPPERS: list[Callable[[Json], str]] = [
    lambda state: json.dumps({"type": "STATE", "value": state}),
    lambda state: json.dumps({"singer_state": state}),
    lambda state: json.dumps({"completed": {"singer_state": state}, "partial": {}}),
    lambda state: "\n".join(map(json.dumps, ({"bookmarks": {}}, state))),
    lambda state: "\n".join(map(json.dumps, ({"type": "RECORD", "record": {}}, {"type": "STATE", "value": state}))),
]


@pytest.mark.parametrize("wrap", WRAPPERS, ids=["message", "Meltano's export", "Meltano's own", "lines", "messages"])
def test_a_state_is_found_in_its_wrapper(
    tmp_path: Path, onefile: Sandbox, discovered: Json, both: tuple[int, int], wrap: Callable[[Json], str]
) -> None:
    future = onefile.world.now.isoformat()
    state = state_of(*(bookmark(each, future) for each in both))

    run = _run(tmp_path, onefile, catalog=_incremental(discovered), state=wrap(state), lookback=0)

    assert run.status == 0, run.stderr
    assert LEARNERS not in run.records, "the bookmarks count"


@pytest.mark.parametrize(
    ("partitions", "words"),
    [
        (lambda one: [bookmark(one, LATER), bookmark(one)], "two bookmarks of learners for organisation .* the older"),
        (lambda one: [bookmark(one), bookmark(one, LATER)], "two bookmarks of learners for organisation .* the older"),
        (lambda one: [bookmark(str(one), LATER), bookmark(one)], "two bookmarks of learners for organisation"),
        (lambda _: [{"replication_key": "LastModified", "replication_key_value": LATER}], "without an OrganisationID"),
        (lambda _: [bookmark("North", LATER)], "without an OrganisationID"),
        (lambda one: [bookmark(one, "yesterday")], "no timestamp of LastModified; everything is read again"),
        (lambda one: [bookmark(one, 5)], "no timestamp of LastModified; everything is read again"),
        (lambda one: [bookmark(one, LATER, key="CreatedOn")], "no timestamp of LastModified; everything is read again"),
    ],
    ids=["newer first", "older first", "as text", "no context", "no id", "no date", "a number", "another key"],
)
def test_a_state_that_does_not_fit_loses_nothing_and_says_so(
    tmp_path: Path,
    onefile: Sandbox,
    discovered: Json,
    both: tuple[int, int],
    partitions: Callable[[int], list[Json]],
    words: str,
) -> None:
    run = _run(tmp_path, onefile, catalog=_incremental(discovered), state=json.dumps(state_of(*partitions(both[0]))))

    assert run.status == 0, run.stderr
    assert len(run.records[LEARNERS]) == len(onefile.world.ids(LEARNERS))
    _assert_warns(run, words)


def test_the_id_of_an_organisation_may_be_a_text(
    tmp_path: Path, onefile: Sandbox, discovered: Json, both: tuple[int, int]
) -> None:
    now = onefile.world.now.isoformat()
    state = json.dumps(state_of(*({**bookmark(str(each), now)} for each in both)))

    run = _run(tmp_path, onefile, catalog=_incremental(discovered), state=state, lookback=0)

    assert run.status == 0, run.stderr
    assert run.records["classrooms"]
    assert LEARNERS not in run.records


def test_a_bookmark_in_the_future_is_taken_back_to_the_start_of_the_run(
    tmp_path: Path, onefile: Sandbox, discovered: Json, both: tuple[int, int]
) -> None:
    state = json.dumps(state_of(*(bookmark(each, "2999-01-01T00:00:00Z") for each in both)))

    run = _run(tmp_path, onefile, catalog=_incremental(discovered), state=state)

    assert run.status == 0, run.stderr
    _assert_warns(run, f"bookmark of learners for organisation {both[0]} is later than the start of this run")
    assert "2999" not in json.dumps(run.state)


WRONG_STATES: list[tuple[str, str]] = [
    ('{"learners": {}}', "passed to --state is not a Singer state: keep only the last line"),
    ("[]", "passed to --state is not a Singer state"),
    ("5", "passed to --state is not a Singer state"),
    ('{"bookmarks": []}', "passed to --state is not a Singer state"),
    ('{"bookmarks": {"learners": 5}}', "state of learners is not in Singer's form"),
    ('{"bookmarks": {"learners": {"partitions": 5}}}', "state of learners is not in Singer's form"),
    ('{"bookmarks": {"learners": {"partitions": [5]}}}', "state of learners is not in Singer's form"),
    ('{"bookmarks": {}}\n{"bookm', r"state\.json holds 2 lines, the last of which is cut"),
    ('{"bookmarks": {}', r"state\.json is not valid JSON \(line 1, column 17\)"),
    ('{"bookmarks": {}, "bookmarks": {}}', r"state\.json holds bookmarks twice"),
    ("[" * 100_000, r"state\.json is not valid JSON"),
]


@pytest.mark.parametrize(("text", "sentence"), WRONG_STATES, ids=map(str, range(len(WRONG_STATES))))
def test_a_state_that_is_none_is_refused_by_name(tmp_path: Path, text: str, sentence: str) -> None:
    run = _run_unreached(tmp_path, state=text)

    assert run.status == 1
    assert not run.stdout
    _assert_ends_with(run, sentence)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("", r"state\.json is empty, so that everything is read"),
        ('{"bookmarks": {"learner": {}}}', r"bookmark of learner, a stream .* ignored\. Did you mean learners\?"),
        (
            json.dumps({"bookmarks": {LEARNERS: {"replication_key_value": LATER}}}),
            "one bookmark for all of learners, and not one for each organisation; everything is read again",
        ),
        (json.dumps({"bookmarks": {"classrooms": {"progress_markers": 5}, "places": 5}}), ""),
    ],
)
def test_a_state_that_says_nothing_of_use_is_warned_of(
    tmp_path: Path, onefile: Sandbox, discovered: Json, state: str, words: str
) -> None:
    run = _run(tmp_path, onefile, catalog=_incremental(discovered), state=state)

    if words:
        assert run.status == 0, run.stderr
        assert len(run.records[LEARNERS]) == len(onefile.world.ids(LEARNERS))
        _assert_warns(run, words)
    else:
        _assert_ends_with(run, "The state of places is not in Singer's form")


def test_a_start_date_in_the_future_is_warned_of(tmp_path: Path, onefile: Sandbox) -> None:
    run = _run(tmp_path, onefile, start_date="2999-01-01")

    assert run.status == 0
    assert LEARNERS not in run.records
    _assert_warns(run, "The setting start_date lies in the future")


# Files


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_files_of_windows_are_read(tmp_path: Path, onefile: Sandbox, discovered: Json, encoding: str) -> None:
    mark = codecs.BOM_UTF16_LE if encoding == "utf-16-le" else b""
    contents = {"config": config_for(onefile), "catalog": discovered, "state": {"bookmarks": {}}}
    for name, content in contents.items():
        (tmp_path / f"{name}.json").write_bytes(mark + json.dumps(content).encode(encoding))

    run = run_tap(tmp_path, None, *(part for name in contents for part in (f"--{name}", f"{name}.json")))

    assert run.status == 0, run.stderr
    assert run.records.keys() == {LEARNERS, "classrooms"}


@pytest.mark.parametrize("option", ["config", "catalog", "state"])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"a": "\xe9"}', r"\.json is not text in UTF-8 or UTF-16: save it as UTF-8"),
        (b'{"page_size": ' + b"9" * 5000 + b"}", r"\.json is not valid JSON \(a number with too many digits"),
        (
            b"{'a': 1}",
            r"\.json is not valid JSON \(line 1, column 2: single quotation marks, where JSON has",
        ),
        ("{\u201ca\u201d: 1}".encode(), r"\.json is not valid JSON \(line 1, column 2: curly quotation marks, where"),
        (b'{"a": 1,}', r"\.json is not valid JSON \(line 1, column [89]: a comma too many\)"),
        (b'{"a": [1,]}', r"\.json is not valid JSON \(line 1, column (9|10): a comma too many\)"),
        (b'{"a": 1\n"b": 2}', r"\.json is not valid JSON \(line 2, column 1: a comma is missing\)"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, option: str, content: bytes, sentence: str) -> None:
    (tmp_path / f"{option}.json").write_bytes(content)

    run = run_tap(tmp_path, None if option == "config" else UNREACHED, f"--{option}", f"{option}.json")

    assert run.status == 1
    _assert_ends_with(run, option + sentence)


@pytest.mark.parametrize(
    ("option", "content", "sentence"),
    [
        ("state", UNREACHED, "holds settings: pass it to --config, and not to --state"),
        ("catalog", UNREACHED, "holds settings: pass it to --config, and not to --catalog"),
        ("catalog", {"bookmarks": {}}, "holds a state: pass it to --state, and not to --catalog"),
        ("config", {"streams": []}, "holds a catalog: pass it to --catalog, and not to --config"),
        ("config", {"bookmarks": {}}, "holds a state: pass it to --state, and not to --config"),
    ],
)
def test_a_file_that_belongs_to_another_option_is_told_where(
    tmp_path: Path, option: str, content: Json, sentence: str
) -> None:
    (tmp_path / "mine.json").write_text(json.dumps(content), encoding="utf-8")

    run = run_tap(tmp_path, None if option == "config" else UNREACHED, f"--{option}", "mine.json")

    assert run.status == 1
    _assert_ends_with(run, rf"The file mine\.json {sentence}")


@pytest.mark.parametrize("token", sorted(PLACEHOLDERS))
def test_the_example_of_a_token_is_refused(tmp_path: Path, token: str) -> None:
    _assert_ends_with(run_tap(tmp_path, {**UNREACHED, "customer_token": token}), "is the example of the documentation")


def test_an_empty_file_with_settings_is_named(tmp_path: Path) -> None:
    (tmp_path / "settings.json").touch()

    _assert_ends_with(
        run_tap(tmp_path, None, "--config", "settings.json"), r"settings\.json is not valid JSON \(it is e"
    )


def test_a_setting_out_of_several_files_is_told_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "more.json").write_text('{"page_size": 0, "pagesize": 1}', encoding="utf-8")

    run = run_tap(tmp_path, UNREACHED, "--config", "more.json")

    _assert_ends_with(run, r"The setting page_size \(in more\.json\) must be a whole number from 1 to 1000\.$")
    _assert_warns(run, r"There is no setting pagesize \(in more\.json\)")


# Settings and the environment


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("personal_dat", "personal_data"),
        ("organization_ids", "organisation_ids"),
        ("stream_map", "stream_maps"),
        ("pseudonymkey", "pseudonym_key"),
    ],
)
def test_a_mistyped_setting_that_keeps_something_back_is_refused(tmp_path: Path, name: str, meant: str) -> None:
    run = run_tap(tmp_path, {**UNREACHED, name: "exclude"})

    assert run.status == 1
    _assert_ends_with(run, f"There is no setting {name}. Write {meant}: without it, the run would send too much")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "PAGE_SIZE",
            "many",
            r"setting page_size \(the variable TAP_ONEFILE_PAGE_SIZE\) must be a whole number",
        ),
        ("PAGE_SIZE", "1.5", r"TAP_ONEFILE_PAGE_SIZE\) must be a whole number"),
        ("SPECIAL_CATEGORY_DATA", "ja", r"TAP_ONEFILE_SPECIAL_CATEGORY_DATA\) must be true or false"),
        ("ORGANISATION_IDS", "North,South", r"TAP_ONEFILE_ORGANISATION_IDS\) must be a list of whole numbers, such as"),
        ("ORGANISATION_IDS", "[]", r"TAP_ONEFILE_ORGANISATION_IDS\) is an empty list"),
        ("FETCH_DETAILS", "review", r"TAP_ONEFILE_FETCH_DETAILS\) must be a list of streams that have details"),
        ("ENVIRONMENT", "Live", r"TAP_ONEFILE_ENVIRONMENT\) must be one of live, practice, beta"),
        ("START_DATE", "05/04/2026", r"TAP_ONEFILE_START_DATE\) must be an ISO 8601 date"),
        ("PERSONALDATA", "exclude", r"personaldata \(the variable TAP_ONEFILE_PERSONALDATA\)\. Write personal_data"),
        ("CUSTOMER_TOKEN", "", "customer_token is missing"),
        ("CUSTOMER_TOKEN", '""', "customer_token is missing"),
        (
            "LOGLEVEL",
            "VERBOSE",
            "variable TAP_ONEFILE_LOGLEVEL must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
        ),
    ],
)
def test_a_variable_that_does_not_fit_is_named(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    environ = {**as_environment(UNREACHED), f"TAP_ONEFILE_{name}": value}

    run = run_tap(tmp_path, None, "--config", "ENV", environ=environ)

    assert run.status == 1
    assert not run.stdout
    _assert_ends_with(run, sentence)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FETCH_DETAILS", "reviews,plans"),
        ("FETCH_DETAILS", '["reviews"]'),
        ("EMIT_ACTIVATE_VERSION_MESSAGES", "No"),
        ("LOGLEVEL", "warning"),
        ("_SELECT", "everything"),
    ],
)
def test_a_variable_is_taken_in_each_form(tmp_path: Path, onefile: Sandbox, name: str, value: str) -> None:
    run = run_tap(tmp_path, None, "--config", "ENV", environ=_variables(onefile, name, value))

    assert run.status == 0, run.stderr
    assert len(run.records[LEARNERS]) == len(onefile.world.ids(LEARNERS))
    assert "WARNING" not in run.stderr


@pytest.mark.parametrize(("value", "size"), [("", 100), (" 50 ", 50), ("'50'", 50), ("5e1", 50)])
def test_a_number_in_a_variable_is_read_in_each_form(tmp_path: Path, onefile: Sandbox, value: str, size: int) -> None:
    onefile.reset_calls()

    run = run_tap(tmp_path, None, "--config", "ENV", environ=_variables(onefile, "PAGE_SIZE", value))

    assert run.status == 0, run.stderr
    searches = [call.path for call in onefile.calls if "/User/Search/" in call.path]
    assert searches
    assert all(path.endswith(f"/{size}") for path in searches)
    assert ("WARNING" in run.stderr) == ("'" in value)


@pytest.mark.parametrize(
    ("value", "owners"),
    [
        ("", "01"),
        ("{1}", "1"),
        (" {0} , ", "0"),
        ("[{1}]", "1"),
        ("{0},{1}", "01"),
        ("[{0}, {1}]", "01"),
    ],
)
def test_a_list_in_a_variable_is_read_in_each_form(
    tmp_path: Path, onefile: Sandbox, both: tuple[int, int], value: str, owners: str
) -> None:
    environ = _variables(onefile, "ORGANISATION_IDS", value.format(*both))

    run = run_tap(tmp_path, None, "--config", "ENV", environ=environ)

    assert run.status == 0, run.stderr
    assert {record["OrganisationID"] for record in run.records[LEARNERS]} == {both[int(each)] for each in owners}


def _variables(onefile: Sandbox, name: str, value: str) -> dict[str, str]:
    return {**as_environment(config_for(onefile)), f"TAP_ONEFILE_{name}": value}


def test_a_token_in_quotes_is_read_with_a_warning_that_does_not_show_it(tmp_path: Path, onefile: Sandbox) -> None:
    environ = {**as_environment(config_for(onefile)), "TAP_ONEFILE_CUSTOMER_TOKEN": f'"{onefile.customer_token}"'}

    run = run_tap(tmp_path, None, "--config", "ENV", "--test", environ=environ)

    assert run.status == 0, run.stderr
    _assert_warns(run, "The variable TAP_ONEFILE_CUSTOMER_TOKEN has quotes around its value; they are left out")
    assert onefile.customer_token not in run.stderr


def test_the_file_of_variables_in_the_folder_is_read(tmp_path: Path, onefile: Sandbox) -> None:
    lines = [f"{name}={value}" for name, value in as_environment(config_for(onefile)).items()]
    (tmp_path / ".env").write_text("\n".join(lines), encoding="utf-8")

    assert run_tap(tmp_path, None, "--config", "ENV", "--test").status == 0


def test_variables_that_nothing_reads_are_pointed_out(tmp_path: Path, onefile: Sandbox) -> None:
    environ = as_environment(config_for(onefile))

    run = run_tap(tmp_path, None, environ=environ)
    assert run.status == 1
    _assert_ends_with(run, r"To have TAP_ONEFILE_API_URL, .* read, add --config ENV to the command\.$")

    assert run_tap(tmp_path, None, "--discover", environ=environ).status == 0

    run = run_tap(tmp_path, config_for(onefile), "--test", environ={"TAP_ONEFILE_RETRY_FOR": "1"})
    assert run.status == 0
    _assert_warns(run, "Without --config ENV, these variables are not read: TAP_ONEFILE_RETRY_FOR")


def test_settings_are_checked_before_discovery_too(tmp_path: Path) -> None:
    run = run_tap(tmp_path, {"special_category_data": "yes"}, "--discover")

    assert run.status == 1
    assert not run.stdout
    _assert_ends_with(run, "The setting special_category_data must be true or false")


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"REQUESTS_CA_BUNDLE": "missing.pem"}, "REQUESTS_CA_BUNDLE names a file that cannot be read"),
        (
            {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "config.json"},
            "CURL_CA_BUNDLE names a file that holds no certificates",
        ),
        ({"HTTPS_PROXY": "socks5://user:pass@127.0.0.1:1"}, "HTTPS_PROXY names a SOCKS proxy, which needs .* PySocks"),
        ({"ALL_PROXY": "socks5h://127.0.0.1:1"}, "ALL_PROXY names a SOCKS proxy, which needs the package PySocks"),
        ({"https_proxy": "http://:8080"}, "https_proxy is not the address of a proxy, such as"),
        ({"HTTPS_PROXY": "ftp://127.0.0.1:1"}, "HTTPS_PROXY is not the address of a proxy, such as"),
        ({"LOGLEVEL": "loud"}, "The variable LOGLEVEL must be one of DEBUG"),
        ({"SINGER_SDK_LOG_CONFIG": "broken.yml"}, "SINGER_SDK_LOG_CONFIG names a file by which no log can be set up"),
    ],
)
def test_what_the_environment_says_of_network_and_log_is_checked_at_once(
    tmp_path: Path, environ: dict[str, str], sentence: str
) -> None:
    (tmp_path / "broken.yml").write_text("- [", encoding="utf-8")

    # Long enough for the run to hang where it tried again.
    run = run_tap(tmp_path, {**UNREACHED, "retry_for": 600}, environ=environ, timeout=20)

    assert run.status == 1
    assert not run.stdout
    _assert_ends_with(run, sentence)
    assert "pass@" not in run.stderr


def test_a_value_for_a_test_that_there_is_not_is_refused(tmp_path: Path) -> None:
    run = run_tap(tmp_path, UNREACHED, "--test=records")

    assert run.status == 1
    assert not run.stdout
    _assert_ends_with(run, "The option --test takes no value other than schema")


# Whatever comes

KEYS = st.sampled_from(
    [
        *("streams", "tap_stream_id", "stream", "schema", "properties", "metadata", "breadcrumb", "selected", LEARNERS),
        *("bookmarks", "partitions", "context", "OrganisationID", "replication_key_value", "replication_key", "value"),
        *("page_size", "organisation_ids", "start_date", "personal_data", "user_agent", "fetch_details", "pagesize"),
        *("key_properties", "table-key-properties", "replication-method", "inclusion", "Email", "progress_markers"),
        *(
            "singer_state",
            "type",
            "environment",
            "api_url",
            "retry_for",
            "pseudonym_key",
            "emit_activate_version_messages",
        ),
    ]
) | st.text(string.printable, max_size=5)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-5, 10**20)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([LEARNERS, "ID", "INCREMENTAL", "FULL_TABLE", "available", "exclude", "properties", LATER])
)
ANY = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
FILES = ANY.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40)


@st.composite
def catalogs(draw: st.DrawFn) -> bytes:
    """Draw a catalog with something of it replaced by anything."""
    root = {"breadcrumb": [], "metadata": {"selected": True, "table-key-properties": ["ID"]}}
    field = {"breadcrumb": ["properties", "Email"], "metadata": {"inclusion": "available"}}
    entry = {"tap_stream_id": LEARNERS, "schema": {"properties": {"ID": {}}}, "metadata": [root, field]}
    return json.dumps(_with_one_replaced(draw, {"streams": [entry]})).encode()


@st.composite
def states(draw: st.DrawFn) -> bytes:
    """Draw a state with something of it replaced by anything."""
    return json.dumps(_with_one_replaced(draw, state_of(bookmark(1), bookmark(2)))).encode()


def _with_one_replaced(draw: st.DrawFn, value: Json) -> Json:
    if not isinstance(value, (dict, list)) or not value or draw(st.integers(0, 3)) == 0:
        return draw(ANY)
    value = deepcopy(value)
    key = draw(st.sampled_from(list(value) if isinstance(value, dict) else list(range(len(value)))))
    if draw(st.integers(0, 4)) == 0:
        del value[key]
    else:
        value[key] = _with_one_replaced(draw, value[key])
    if isinstance(value, dict) and draw(st.integers(0, 4)) == 0:
        value[draw(KEYS)] = draw(ANY)
    return value


@pytest.mark.slow
@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    config=st.none() | FILES | st.dictionaries(KEYS, ANY, max_size=3),
    environ=st.dictionaries(KEYS, st.text(string.printable, max_size=8), max_size=2),
    catalog=st.none() | FILES | catalogs(),
    state=st.none() | FILES | states(),
    mode=st.sampled_from([(), ("--test",), ("--discover",)]),
)
@example(config=None, environ={}, catalog=b'{"streams": []}', state=b"{}", mode=())
@example(config=None, environ={}, catalog=b"null", state=b"null", mode=())
@example(config=None, environ={}, catalog=b'""', state=b'""', mode=())
def test_whatever_comes_ends_in_records_or_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory,
    onefile: Sandbox,
    config: bytes | dict[str, Json] | None,
    environ: dict[str, str],
    catalog: bytes | None,
    state: bytes | None,
    mode: tuple[str, ...],
) -> None:
    folder = tmp_path_factory.mktemp("inputs")
    given_config = config_for(onefile, retry_for=0, request_timeout=2)
    if isinstance(config, dict):
        config = json.dumps({**given_config, **config}).encode()
    (folder / "config.json").write_bytes(json.dumps(given_config).encode() if config is None else config)
    arguments = ["--config", "config.json", "--config", "ENV"]
    for name, content in (("catalog", catalog), ("state", state)):
        if content is not None:
            (folder / f"{name}.json").write_bytes(content)
            arguments += [f"--{name}", f"{name}.json"]
    variables = {
        f"TAP_ONEFILE_{name.upper()}": value.replace("\0", "")
        for name, value in environ.items()
        if not set(name) & set("=\0") and name.isprintable()
    }

    run = run_tap(folder, None, *arguments, *mode, environ=variables)

    assert_is_no_riddle(run)
    if run.status == 0 and not mode:
        assert run.records or "WARNING" in run.stderr


# Help


def _run(
    folder: Path,
    onefile: Sandbox,
    *arguments: str,
    catalog: Json = None,
    state: str | None = None,
    **config: object,
) -> Run:
    run = _run_with(folder, config_for(onefile, **config), *arguments, catalog=catalog, state=state)
    assert_is_no_riddle(run)
    return run


def _run_unreached(folder: Path, *arguments: str, catalog: Json = None, state: str | None = None) -> Run:
    run = _run_with(folder, UNREACHED, *arguments, catalog=catalog, state=state)
    assert_is_no_riddle(run)
    return run


def _run_with(folder: Path, config: Json, *arguments: str, catalog: Json, state: str | None) -> Run:
    if catalog is not None:
        (folder / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
        arguments += ("--catalog", "catalog.json")
    if state is not None:
        (folder / "state.json").write_text(state, encoding="utf-8")
        arguments += ("--state", "state.json")
    return run_tap(folder, config, *arguments)


def _incremental(discovered: Json) -> Json:
    """Give a catalog in which learners are read by what has changed."""
    catalog = deepcopy(discovered)
    entry_of(catalog)["replication_method"] = "INCREMENTAL"
    return catalog


def _schemas(run: Run) -> dict[str, Json]:
    return {message["stream"]: message for message in run.messages if message["type"] == "SCHEMA"}


def _assert_ends_with(run: Run, words: str) -> None:
    assert_is_no_riddle(run)
    assert _search(words, run.last_line), run.stderr


def _assert_warns(run: Run, words: str) -> None:
    assert any(_search(words, line) for line in run.stderr.splitlines() if "WARNING" in line), run.stderr


def _search(words: str, line: str) -> bool:
    return re.search(words, line) is not None
