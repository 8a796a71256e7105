"""A mistake in stream maps or flattening is named before the first call, and nothing that a map removes is sent."""

from __future__ import annotations

import contextlib
import json
import logging
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from singer_sdk.mapper import RemoveRecordTransform

from tap_onefile.errors import SettingsError
from tap_onefile.streams import STREAMS
from tap_onefile.tap import TapOneFile
from tests.running import config_for, run_tap, select

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

    from onefile_sandbox import Sandbox

CONFIG = {"customer_token": "a-token", "api_url": "http://127.0.0.1:9/api/v2.1", "retry_for": 0}
MAPS = "The setting stream_maps is not valid: "

MISTAKES: list[tuple[Any, str]] = [
    # What the setting may hold.
    ("needle", "it is text, and must be an object"),
    ("", "it is empty, and must be an object"),
    (["needle"], "it is a list, and must be an object"),
    (7, "it is a number, and must be an object"),
    (True, "it is true, and must be an object"),
    ({"learners": "null"}, "the map of learners is text, and must be an object"),
    ({"learners": [None]}, "the map of learners is a list"),
    ({"learners": False}, "the map of learners is false"),
    ({"learners": {"Email": 5}}, "the map of learners for Email is a number: write an expression as text"),
    ({"learners": {"Email": {}}}, "the map of learners for Email is an object"),
    ({"learners": {"Email": ["needle"]}}, "the map of learners for Email is a list"),
    ({"learners": {"Email": True}}, "the map of learners for Email is true"),
    ({"learners": {"Email": ""}}, "the map of learners for Email is empty"),
    ({"learners": {"Email": "  "}}, "the map of learners for Email is empty"),
    # Streams.
    ({"learner": {"Email": None}}, "the map of learner is for a stream that does not exist. Did you mean learners?"),
    ({"Learners": None}, "the map of Learners is for a stream that does not exist. Did you mean learners?"),
    ({"pupils": {}}, "the map of pupils is for a stream that does not exist. `tap-onefile --discover` lists"),
    ({"": {}}, "is for a stream that does not exist"),
    ({"pupil*": {"Email": None}}, "the map of pupil* matches no stream"),
    ({"people": {"__source__": "learner"}}, "__source__ in the map of people is learner, a stream that does not exist"),
    ({"people": {"__source__": "pupil*"}}, "the map of people matches no stream"),
    # Fields.
    (
        {"learners": {"Emial": None}},
        "the map of learners for Emial removes a field that learners does not have. Did you",
    ),
    ({"learners": {"Emial": "__NULL__"}}, "the map of learners for Emial removes a field that learners does not have"),
    ({"learners": {"Emial": "None"}}, "the map of learners for Emial empties a field that learners does not have"),
    ({"learners": {"Emial": "sha256(Email)"}}, "adds a field, and Email is sent as it is. Did you mean Email?"),
    ({"learners": {"email": "sha256(Email)"}}, "adds a field, and Email is sent as it is. Did you mean Email?"),
    ({"learners": {"first_name": "'x'"}}, "adds a field, and FirstName is sent as it is. Did you mean FirstName?"),
    ({"learners": {"Telephon": "'x'"}}, "adds a field, and Telephone is sent as it is. Did you mean Telephone?"),
    (
        {"learners": {"Email": "sha256(Emial)"}},
        "for Email reads Emial, which learners does not have. Did you mean Email?",
    ),
    ({"learners": {"Email": "record['Emial']"}}, "reads Emial, which learners does not have. Did you mean Email?"),
    ({"learners": {"Email": "record.get('Emial', '')"}}, "reads Emial, which learners does not have"),
    ({"learners": {"Email": "_['Emial']"}}, "reads Emial, which learners does not have"),
    ({"learners": {"Email": "record.Emial"}}, "reads Emial, which learners does not have"),
    ({"learners": {"Email": "self if self else Emial"}}, "reads Emial, which learners does not have"),
    ({"learners": {"Mail": "self"}}, "reads self, which is the value of a field of learners, and this is none"),
    ({"learners": {"__filter__": "self"}}, "__filter__ in the map of learners reads self"),
    (
        {"learners": {"Email": "md5(config['salt'])"}},
        "reads salt of config, which the setting stream_map_config does not",
    ),
    ({"learners": {"L12": "md5(L12)"}}, "reads L12, which learners does not have, as special_category_data is off"),
    (
        {"learners": {"FirstName": "Needle"}},
        "reads a name at character 1, which learners does not have. Text needs quotes",
    ),
    ({"learners": {"__filter__": "LastName == Needle"}}, "reads a name at character 13"),
    ({"learners": {"Email": "null"}}, "reads null as a name: to remove the field, write null"),
    ({"learners": {"Email": "__null__"}}, "reads null as a name"),
    ({"*": {"Emial": None}}, "the map of * for Emial removes a field that * does not have. Did you mean Email?"),
    ({"*": {"Email": "md5(Emial)"}}, "reads Emial, which"),
    ({"*": {"__filter__": "Email"}}, "__filter__ in the map of * reads Email, which"),
    # Expressions.
    ({"learners": {"Email": "'needle' +"}}, "the map of learners for Email is no expression near character"),
    ({"learners": {"Email": "Not available"}}, "is no expression near character 5. Text needs quotes of its own"),
    ({"learners": {"__filter__": "Status ="}}, "__filter__ in the map of learners is no expression"),
    ({"learners": {"Email": "x = 1"}}, "is not one expression: compare with =="),
    ({"learners": {"Email": "Email; FirstName"}}, "is not one expression"),
    ({"learners": {"Email": "import os"}}, "is not one expression"),
    ({"learners": {"Email": "# needle"}}, "is not one expression"),
    ({"learners": {"Email": "(" * 300}}, "is no expression"),
    ({"learners": {"Email": "\0"}}, "is no expression"),
    (
        {"learners": {"Email": "sha265(Email)"}},
        "calls sha265, which is no function of stream maps. Did you mean sha256?",
    ),
    ({"learners": {"Email": "sha1(Email)"}}, "calls sha1, which is no function of stream maps. They have bool,"),
    ({"learners": {"Email": "datetime(2026, 1, 1)"}}, "calls datetime, which is no function of stream maps"),
    ({"learners": {"Email": "Email()"}}, "calls Email, which is no function of stream maps"),
    ({"learners": {"Email": "__import__('os')"}}, "calls __import__, which is no function of stream maps"),
    ({"learners": {"Email": "sha256"}}, "names sha256 without calling it: write sha256(…)"),
    ({"learners": {"Email": "json.dmups(Email)"}}, "uses json.dmups, which stream maps do not have"),
    ({"learners": {"Email": "Email.__class__"}}, "uses what stream maps do not allow (__class__ at character 1)"),
    ({"learners": {"Email": "'{}'.format(Email)"}}, "uses what stream maps do not allow (format at character 1)"),
    (
        {"learners": {"Email": "{each for each in Email}"}},
        "uses what stream maps do not allow (SetComp at character 1)",
    ),
    ({"learners": {"Email": "lambda: 1"}}, "uses what stream maps do not allow (Lambda at character 1)"),
    ({"learners": {"Email": "Email @ Email"}}, "uses what stream maps do not allow (MatMult)"),
    ({"learners": {"Email": "(lambda: 1)()"}}, "uses what stream maps do not allow"),
    ({"learners": {"Email": "fake.email()"}}, "uses fake, which needs Faker: install tap-onefile[faker]"),
    # Options.
    ({"__is_stream__": {}}, "there is no option __is_stream__, only __else__ and the names of streams"),
    ({"__else__": "drop"}, '__else__ can only be null or "__NULL__", to remove all other streams'),
    ({"learners": {"__else__": {}}}, '__else__ in the map of learners can only be null or "__NULL__"'),
    ({"learners": {"__fitler__": "True"}}, "has the option __fitler__, which does not exist. Did you mean __filter__?"),
    ({"learners": {"__filter__": 1}}, "__filter__ in the map of learners is a number, and must be text"),
    ({"learners": {"__filter__": None}}, "__filter__ in the map of learners is null, and must be text"),
    ({"learners": {"__filter__": "true"}}, "reads true, which learners does not have. Did you mean True?"),
    ({"learners": {"__filter__": "'needle'"}}, "__filter__ in the map of learners is the same for every record"),
    ({"learners": {"__alias__": []}}, "__alias__ in the map of learners is a list, and must be text"),
    ({"learners": {"__alias__": "12"}}, "__alias__ in the map of learners is no name"),
    ({"learners": {"__alias__": "two words"}}, "__alias__ in the map of learners is no name"),
    ({"people": {"__source__": "learners", "__alias__": "x"}}, "the map of people has both __source__ and __alias__"),
    ({"learners": {"__key_properties__": "ID"}}, "__key_properties__ in the map of learners must be a list of names"),
    ({"learners": {"__key_properties__": None}}, "__key_properties__ in the map of learners must be a list of names"),
    ({"learners": {"__key_properties__": ["Id"]}}, "__key_properties__ in the map of learners names Id, which the map"),
    ({"learners": {"ID": None}}, "the map of learners for ID removes what identifies the records of learners"),
    (
        {"learners": {"FirstName": "FirstName", "__else__": None}},
        "and lacks ID, which identifies the records of learners",
    ),
    ({"learners": {"__else__": None, "__key_properties__": []}}, "the map of learners leaves no field of learners"),
    # Several maps of one stream.
    (
        {"learners": {"Email": None}, "*": {"Email": None}},
        "the map of * comes after the map of learners and would replace",
    ),
    (
        {"*": {"Email": None}, "learners": {"NINO": None}},
        "the map of * has Email, and the map of learners, which is used",
    ),
    (
        {"learners*": {"__filter__": "ID"}, "learners": {}},
        "the map of learners* has __filter__, and the map of learners",
    ),
]
OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"stream_maps": {"organisations": None}}, "The setting stream_maps removes organisations, whose child streams"),
    ({"stream_maps": {"*": None}}, "The setting stream_maps removes organisations, whose child streams"),
    ({"stream_maps": {"learners": {"__alias__": "assessors"}}}, "The setting stream_maps sends assessors and learners"),
    ({"stream_maps": {"learners": {"__alias__": "Assessors"}}}, "The setting stream_maps sends assessors and learners"),
    (
        {"stream_maps": {"*": {"__alias__": "everything"}}},
        "under one name, and the target would take one for the other",
    ),
    (
        {"stream_maps": {"learners": {"Email": "md5(Email)"}}, "personal_data": "exclude"},
        "reads Email, which learners does not have, as personal_data is exclude",
    ),
    (
        {"stream_maps": {"learners": {"Email": "md5(config['salt'])"}}, "stream_map_config": {"salz": 1}},
        "reads salt of config, which the setting stream_map_config does not have. Did you mean salz?",
    ),
    ({"stream_map_config": "needle"}, "The setting stream_map_config is not valid: it is text"),
    ({"stream_map_config": [1]}, "The setting stream_map_config is not valid: it is a list"),
    ({"faker_config": 5}, "The setting faker_config is not valid: it is a number"),
    (
        {"faker_config": {"sead": 1}},
        "The setting faker_config is not valid: it has sead, which is neither seed nor locale",
    ),
    ({"faker_config": {"seed": [1]}}, "The setting faker_config is not valid: its seed must be"),
    ({"faker_config": {"locale": 1}}, "The setting faker_config is not valid: its locale must be"),
    (
        {"flattening_enabled": "yes"},
        "The setting flattening_enabled is not valid: it is text, and must be true or false",
    ),
    ({"flattening_enabled": 1}, "The setting flattening_enabled is not valid: it is a number"),
    ({"flattening_enabled": True}, "The setting flattening_enabled needs the setting flattening_max_depth"),
    (
        {"flattening_enabled": True, "flattening_max_depth": 0},
        "flattening_enabled needs the setting flattening_max_depth",
    ),
    ({"flattening_max_depth": "1"}, "The setting flattening_max_depth is not valid: it must be a whole number from 0"),
    ({"flattening_max_depth": 1.5}, "The setting flattening_max_depth is not valid"),
    ({"flattening_max_depth": -1}, "The setting flattening_max_depth is not valid"),
    ({"flattening_max_depth": float("inf")}, "The setting flattening_max_depth is not valid"),
    ({"flattening_max_key_length": 0}, "The setting flattening_max_key_length is not valid"),
    ({"flattening_separator": ["_"]}, "The setting flattening_separator is not valid: it is a list"),
    (
        {"flattening_enabled": True, "flattening_max_depth": 1, "flattening_max_key_length": 3},
        "The setting flattening_max_key_length is too short: two fields would get the same name",
    ),
    (
        {"flattening_enabled": True, "flattening_max_depth": 1, "flattening_max_key_length": 12},
        "The setting flattening_max_key_length is too short for",
    ),
]


def make(config: dict[str, Any], catalog: dict[str, Any] | None = None) -> TapOneFile:
    """Make the tap, as the command line does before the first call."""
    return TapOneFile(config={**CONFIG, **json.loads(json.dumps(config))}, catalog=catalog)


@pytest.mark.parametrize(("maps", "words"), MISTAKES, ids=repr)
def test_a_mistake_in_a_stream_map_is_named(maps: object, words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        make({"stream_maps": maps})

    sentence = str(refused.value)
    assert sentence.startswith(MAPS)
    assert words in sentence
    assert "needle" not in sentence.casefold()


@pytest.mark.parametrize(("config", "words"), OTHERS, ids=repr)
def test_a_mistake_in_another_setting_of_the_sdk_is_named(config: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        make(config)

    assert words in str(refused.value)
    assert "needle" not in str(refused.value)


@pytest.mark.parametrize(
    ("maps", "learner"),
    [
        ({}, {"Email": "a@b.c", "FirstName": None, "ID": 1}),
        ({"learners": {}}, {"Email": "a@b.c", "FirstName": None, "ID": 1}),
        ({"learners": {"Email": None}}, {"FirstName": None, "ID": 1}),
        ({"learners": {"Email": "__NULL__"}}, {"FirstName": None, "ID": 1}),
        ({"learners": {"Email": "None"}}, {"Email": None, "FirstName": None, "ID": 1}),
        ({"learners": {"Email": "self[0]"}}, {"Email": "a", "FirstName": None, "ID": 1}),
        ({"learners": {"Email": "  Email[0]\n"}}, {"Email": "a", "FirstName": None, "ID": 1}),
        ({"learners": {"Mail": "Email", "Email": None}}, {"Mail": "a@b.c", "FirstName": None, "ID": 1}),
        ({"learners": {"email": "Email", "Email": None}}, {"email": "a@b.c", "FirstName": None, "ID": 1}),
        ({"learners": {"Email2": "Email"}}, {"Email": "a@b.c", "Email2": "a@b.c", "FirstName": None, "ID": 1}),
        ({"learners": {"ID": "ID", "__else__": None}}, {"ID": 1}),
        ({"learners": {"Email": "[x for x in Email if x != '@'][0]"}}, {"Email": "a", "FirstName": None, "ID": 1}),
        ({"learners": {"Email": "_['Email'] + record.Email + record.get('Email')"}}, {"Email": "a@b.c" * 3, "ID": 1}),
        ({"learners": {"Source": "__stream_name__"}}, {"Source": "learners", "Email": "a@b.c", "ID": 1}),
        ({"learners": {"Email": "config['salt'] + config.get('none', 'x')"}}, {"Email": "saltx", "ID": 1}),
        ({"learners": {"__filter__": "ID > 1"}}, None),
        ({"learners": None}, None),
        ({"*": {"Email": None}}, {"FirstName": None, "ID": 1}),
        ({"*": {"Email": "md5(Email)[0] if Email else None"}}, {"Email": "5", "FirstName": None, "ID": 1}),
        ({"learn[e]rs": {"Email": None}}, {"FirstName": None, "ID": 1}),
        ({"*": {"Email": None}, "learners": {"Email": "Email[0]"}}, {"Email": "a", "ID": 1}),
        ({"*": {"Comments": None}}, {"Email": "a@b.c", "FirstName": None, "ID": 1}),
    ],
    ids=repr,
)
def test_maps_that_are_right_work(maps: dict[str, Any], learner: dict[str, Any] | None) -> None:
    tap = make({"stream_maps": maps, "stream_map_config": {"salt": "salt"}})
    (mapped,) = tap.mapper.stream_maps["learners"]
    record = mapped.transform({"ID": 1, "Email": "a@b.c", "FirstName": None})

    if learner is None:
        assert record is None
    else:
        assert record is not None
        assert {"FirstName": None, **record} == {"FirstName": None, **learner}


@pytest.mark.parametrize("name", [stream.name for stream in STREAMS if not stream.selected_by_default])
def test_a_map_of_a_stream_that_is_off_holds_as_soon_as_it_is_on(name: str, caplog: pytest.LogCaptureFixture) -> None:
    maps = {name: {"Source": "__stream_name__"}}
    make({"stream_maps": maps})
    assert f"The stream map of {name} does nothing, as you have not selected {name}" in caplog.text
    caplog.clear()

    tap = make({"stream_maps": maps}, catalog(select=(name,)))

    assert tap.mapper.stream_maps[name][0].transform({"ID": 7}) == {"ID": 7, "Source": name}
    assert "does nothing" not in caplog.text


def test_a_map_with_wildcards_for_streams_that_are_off_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    make({"stream_maps": {"time*": {"Comments": None}}})

    assert "The stream map of time* does nothing, as you have not selected timesheets" in caplog.text


def test_a_field_that_is_deselected_can_be_removed_but_not_read(caplog: pytest.LogCaptureFixture) -> None:
    without = catalog(deselect=(("learners", "Email"),))

    make({"stream_maps": {"learners": {"Email": None}}}, without)
    assert "The stream map of learners need not remove Email, as it is deselected in the catalog" in caplog.text
    with pytest.raises(SettingsError, match="reads Email, which learners does not have, as it is deselected in the"):
        make({"stream_maps": {"learners": {"Mail": "md5(Email)"}}}, without)


def test_a_field_that_the_settings_hold_back_need_not_be_removed(caplog: pytest.LogCaptureFixture) -> None:
    make({"stream_maps": {"learners": {"L12": None}}})

    assert "The stream map of learners need not remove L12, as special_category_data is off" in caplog.text


def test_a_copy_leaves_the_original_as_it_is_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    copied = {"people": {"__source__": "learners", "Email": None}}

    tap = make({"stream_maps": copied})
    assert [each.stream_alias for each in tap.mapper.stream_maps["learners"]] == ["learners", "people"]
    assert "The stream map of people copies learners, which is still sent as it is" in caplog.text
    caplog.clear()
    tap = make({"stream_maps": {**copied, "learners": None}})
    assert isinstance(tap.mapper.stream_maps["learners"][0], RemoveRecordTransform)
    assert "copies" not in caplog.text


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"stream_map_config": {"a": 1}}, "The setting stream_map_config does nothing, as no stream map uses config"),
        ({"faker_config": {"seed": 1}}, "The setting faker_config does nothing, as no stream map uses fake"),
        ({"flattening_max_depth": 2}, "The setting flattening_max_depth does nothing, as flattening_enabled is not on"),
        ({"flattening_separator": "_"}, "The setting flattening_separator does nothing"),
    ],
    ids=repr,
)
def test_a_setting_that_does_nothing_is_warned_of(
    config: dict[str, Any], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    make(config)

    assert words in caplog.text


def test_a_stream_that_the_catalog_does_not_list_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    listed = catalog()
    listed["streams"] = [entry for entry in listed["streams"] if entry["tap_stream_id"] != "learners"]

    make({"stream_maps": {"learners": {"Email": None}, "learner[s]": {"Email": None}}}, listed)

    for name in ("learners", "learner[s]"):
        assert f"The stream map of {name} does nothing, as your catalog does not list the stream" in caplog.text


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            {"Email": "sha256(Email)"},
            "Email fails: sha256 got null, as Email can be null. Write `sha256(Email) if Email else None`.",
        ),
        (
            {"Loud": "FirstName.upper() + LastName"},
            "Loud fails, as FirstName can be null. Write `FirstName.upper() + LastName if FirstName else None`.",
        ),
        ({"Score": "Progress + 1"}, "Write `… if Progress is not None else None`."),
        ({"Loud": "FirstName.replace('needle', '')"}, "as FirstName can be null. Write `… if FirstName else None`."),
        (
            {"__filter__": "FirstName.startswith('A')"},
            "__filter__ in the map of learners fails, as FirstName can be null",
        ),
        ({"Odd": "int(LastName)"}, "fails (ValueError) for a value of LastName, which is not shown"),
        ({"Odd": "json.loads(LastName)"}, "fails (JSONDecodeError) for a value of LastName, which is not shown"),
        ({"Odd": "1 / (ID - ID)"}, "fails (ZeroDivisionError) for a value of ID"),
        ({"Odd": "LastName.upper"}, "gives a function in place of a value: call it, with ()"),
        ({"Odd": "LastName + '\\ud800'"}, "fails (UnicodeEncodeError) for a value of LastName"),
        ({"Email": "{'a': 1}"}, "for Email gives no string, which its column holds: write it all as `str(…)`"),
        ({"DOB": "sha256(str(DOB))"}, "for DOB gives no date, which its column holds"),
        ({"Progress": "LastName"}, "for Progress gives no number, which its column holds"),
        ({"Odd": "1j"}, "for Odd fails (TypeError) for a value, which is not shown"),
    ],
    ids=repr,
)
def test_an_expression_that_fails_names_the_field_and_the_cause_without_a_value(
    rule: dict[str, Any], words: str
) -> None:
    tap = make({"stream_maps": {"learners": {"Username": "'fine'", **rule}}})
    record = dict.fromkeys(tap.streams["learners"].schema["properties"]) | {"ID": 1, "LastName": "Needle"}

    with pytest.raises(SettingsError) as failed:
        tap.mapper.stream_maps["learners"][0].transform(record)

    assert re.match("The setting stream_maps cannot be used: .*the map of learners", str(failed.value))
    assert words in str(failed.value)
    assert "needle" not in str(failed.value).casefold()


@pytest.mark.parametrize(
    ("config", "arguments", "words"),
    [
        ({"stream_maps": {"learners": {"Emial": None}}}, [], MAPS + "the map of learners for Emial removes"),
        ({"stream_maps": {"learners": {"Emial": None}}}, ["--test"], MAPS + "the map of learners for Emial removes"),
        ({"stream_maps": {"organisations": None}}, ["--test"], "The setting stream_maps removes organisations"),
        ({"stream_maps": {"__else__": "x"}}, [], MAPS + "__else__ can only be null"),
        ({"stream_maps": "needle"}, [], MAPS + "it is text"),
        ({"flattening_enabled": True}, [], "The setting flattening_enabled needs the setting flattening_max_depth"),
    ],
    ids=repr,
)
def test_a_mistake_ends_the_run_before_the_first_call(
    tmp_path: Path, sandbox: Sandbox, config: dict[str, Any], arguments: list[str], words: str
) -> None:
    run = run_tap(tmp_path, config_for(sandbox, **config), *arguments)

    assert run.status == 1
    assert words in run.last_line
    assert not run.stdout
    assert not sandbox.calls
    assert "Traceback" not in run.stderr


def test_discovery_works_with_maps_that_do_not_as_it_shows_the_names(tmp_path: Path) -> None:
    run = run_tap(tmp_path, {"stream_maps": {"learners": {"Emial": None}}}, "--discover")

    assert run.status == 0, run.stderr
    assert "learners" in run.stdout


def test_a_hash_of_null_ends_the_run_with_the_field_and_no_state_for_the_stream(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    arguments = select(tmp_path, "learners")
    config = config_for(sandbox, stream_maps={"learners": {"NINO": "sha256(NINO)"}})

    run = run_tap(tmp_path, config, *arguments)

    assert run.status == 1
    assert "the map of learners for NINO fails: sha256 got null, as NINO can be null. Write" in run.last_line
    ninos = {row["NINO"] for row in sandbox.records("learners") if row.get("NINO")}
    assert ninos
    assert not [nino for nino in ninos if nino in run.stdout + run.stderr]
    states = [message["value"]["bookmarks"] for message in run.messages if message["type"] == "STATE"]
    assert not any(state.get("learners") for state in states)


def test_a_wildcard_changes_every_stream_that_has_the_field(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox, stream_maps={"*": {"Email": None}}), *select(tmp_path))

    assert run.status == 0, run.stderr
    assert {"learners", "assessors", "timesheets"} <= run.records.keys()
    assert not [stream for stream, records in run.records.items() if any("Email" in record for record in records)]
    assert not [m for m in run.messages if m["type"] == "SCHEMA" and "Email" in m["schema"]["properties"]]
    assert len(run.records["learners"]) == len(sandbox.records("learners"))


FAKER = """
class Faker:
    def __init__(self, locale=None):
        if locale == "xx":
            raise AttributeError("Invalid configuration for faker locale 'xx'")

    @staticmethod
    def seed(seed):
        pass

    def email(self):
        return "someone@example.org"
"""
"""As much of Faker as the tests need."""


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"stream_maps": {"learners": {"Email": "fake.email()"}}}, None),
        (
            {"stream_maps": {"learners": {"Email": "fake.emial()"}}},
            "asks Faker for emial, which it does not have. Did you",
        ),
        (
            {"stream_maps": {"learners": {"Email": "fake.email()"}}, "faker_config": {"locale": "xx"}},
            "The setting faker_config is not valid: Faker does not have its locale",
        ),
    ],
    ids=repr,
)
def test_maps_may_use_faker_where_it_is_installed(
    tmp_path: Path, sandbox: Sandbox, config: dict[str, Any], words: str | None
) -> None:
    (tmp_path / "faker.py").write_text(FAKER, encoding="utf-8")
    arguments = select(tmp_path, "learners")

    run = run_tap(tmp_path, config_for(sandbox, **config), *arguments, environ={"PYTHONPATH": str(tmp_path)})

    if words:
        assert run.status == 1
        assert words in run.last_line
    else:
        assert run.status == 0, run.stderr
        assert {record["Email"] for record in run.records["learners"]} == {"someone@example.org"}


FIELDS = ("Email", "FirstName", "DOB", "ID", "LastModified", "L12", "Emial", "email", "Nonsense", "Needle Needle", "")
EXPRESSIONS = st.sampled_from(
    [
        None,
        "__NULL__",
        "Email",
        "md5(Email)",
        "self",
        "self.upper()",
        "record['Emial']",
        "_.get('Email')",
        "Needle",
        "'needle'",
        "fake.name()",
        "config['needle']",
        "int(Email)",
        "None",
        "[x for x in FirstName]",
        "Email.__class__",
        "FirstName +",
        "True",
        "{**record}",
    ]
)
RULES = st.one_of(
    EXPRESSIONS,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
        max_leaves=3,
    ),
)
KEYS = st.sampled_from(
    [*FIELDS, "__filter__", "__else__", "__alias__", "__source__", "__key_properties__", "__other__"]
) | st.text(max_size=6)
ONE_MAP = st.dictionaries(KEYS, RULES | st.lists(st.sampled_from(FIELDS), max_size=2), max_size=3) | RULES
NAMES = st.sampled_from(
    ["learners", "assessors", "timesheets", "organisations", "learner", "*", "l*", "x*", "__else__"]
)
ALL_MAPS = st.dictionaries(NAMES | st.text(max_size=6), ONE_MAP, max_size=2) | RULES
CONFIGS = st.fixed_dictionaries(
    {"stream_maps": ALL_MAPS},
    optional={
        "stream_map_config": RULES,
        "faker_config": RULES | st.dictionaries(st.sampled_from(["seed", "locale"]), RULES, max_size=2),
        "flattening_enabled": st.booleans() | RULES,
        "flattening_max_depth": st.integers(-1, 2) | RULES,
        "flattening_max_key_length": st.integers(0, 40) | RULES,
        "flattening_separator": st.text(max_size=2) | RULES,
    },
)


NEARLY_RIGHT = st.fixed_dictionaries(
    {
        "stream_maps": st.dictionaries(
            st.sampled_from(["learners", "assessors", "timesheets", "*", "l*"]),
            st.dictionaries(st.sampled_from([*FIELDS[:-2], "__filter__"]), EXPRESSIONS, max_size=3) | st.none(),
            min_size=1,
            max_size=2,
        )
    }
)


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(CONFIGS | NEARLY_RIGHT)
def test_whatever_the_settings_hold_it_is_used_or_named(config: dict[str, Any]) -> None:
    with warnings_of_the_tap() as warned:
        tap, refusal = made_or_refused(config)
    if tap is None:
        assert re.match(r"The setting \w+ \w+", refusal)
        return
    event("accepted")
    for label, given_map in (config["stream_maps"] or {}).items():
        for name, record in (("learners", learner(None)), ("learners", learner("x"))):
            for each in tap.mapper.stream_maps[name]:
                with contextlib.suppress(SettingsError):
                    each.transform(record)
        if label not in tap.mapper.stream_maps or not isinstance(given_map, dict) or "__source__" in given_map:
            continue
        fields = tap.mapper.stream_maps[label][0].transformed_schema["properties"]
        said = " ".join(warned)
        for key, rule in given_map.items():
            if not key.startswith("__"):
                is_there = key in fields
                assert is_there == (rule not in {None, "__NULL__"}) or label in said, (key, rule)


def made_or_refused(config: dict[str, Any]) -> tuple[TapOneFile | None, str]:
    try:
        return make(config), ""
    except SettingsError as refused:
        return None, str(refused)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(CONFIGS | NEARLY_RIGHT)
def test_whatever_the_settings_hold_a_run_ends_in_a_sentence(tmp_path: Path, config: dict[str, Any]) -> None:
    run = run_tap(tmp_path, {**CONFIG, **config})

    assert run.status == 1
    # Nobody answers there.
    assert re.search(r"The setting \w+ \w+|No answer to", run.last_line)
    assert "Traceback" not in run.stderr
    assert "unexpectedly" not in run.stderr
    assert not run.records


@contextlib.contextmanager
def warnings_of_the_tap() -> Generator[list[str]]:
    said: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("tap-onefile")
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)


def learner(text: str | None) -> dict[str, Any]:
    (stream,) = (stream for stream in STREAMS if stream.name == "learners")
    return dict.fromkeys(stream.schema["properties"], text) | {"ID": 1}


@cache
def _discovered() -> str:
    return TapOneFile(config={}, validate_config=False, setup_mapper=False).catalog_json_text


def catalog(select: Iterable[str] = (), deselect: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    """Give the catalog of discovery, with some streams selected and some fields deselected."""
    found: dict[str, Any] = json.loads(_discovered())
    for stream in found["streams"]:
        name = stream["tap_stream_id"]
        for entry in stream["metadata"]:
            if not entry["breadcrumb"] and name in select:
                entry["metadata"]["selected"] = True
            elif entry["breadcrumb"] and (name, entry["breadcrumb"][1]) in set(deselect):
                entry["metadata"]["selected"] = False
    return found
