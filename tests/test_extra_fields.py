"""Fields that no stream has are told ready to paste, and read as text where the user asks for them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import config_for, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox

UNREACHED = {"customer_token": "a-token", "api_url": "https://onefile.test/api/v2.1", "retry_for": 0}
PATHWAY, ROOMS = "needle-in-a-haystack", ["Łódź", "B 12"]


@pytest.fixture
def furnished(sandbox: Sandbox) -> Sandbox:
    """Give a sandbox with fields in it that no stream has."""
    for learner in sandbox.world.ids("learners"):
        sandbox.world.change("learners", learner, Pathway=PATHWAY, Band=3)
    for placement in sandbox.world.ids("placements")[:2]:
        sandbox.world.change("placements", placement, Rooms=ROOMS, HasParking=True)
    return sandbox


def test_what_is_left_out_is_told_ready_to_paste(tmp_path: Path, furnished: Sandbox) -> None:
    before = run_tap(tmp_path, config_for(furnished))

    assert before.status == 0, before.stderr
    lists = [json.loads(found) for found in re.findall(r"extra_fields: (\[[^]]*\])", before.stderr)]
    learners, placements = ["learners.Band", "learners.Pathway"], ["placements.HasParking", "placements.Rooms"]
    assert sorted(lists[:2]) == [learners, placements]
    assert [sorted(each) for each in lists[2:]] == [sorted(learners + placements)]

    after = run_tap(tmp_path, config_for(furnished, extra_fields=lists[-1]))

    assert after.status == 0, after.stderr
    assert "does not have" not in after.stderr
    assert {(each["Pathway"], each["Band"]) for each in after.records["learners"]} == {(PATHWAY, "3")}
    having = [each for each in after.records["placements"] if each["Rooms"] is not None]
    assert [(json.loads(each["Rooms"]), each["HasParking"]) for each in having] == [(ROOMS, "true")] * 2
    schemas = [
        each["schema"]["properties"] for each in after.messages if each.get("stream") == "learners" and "schema" in each
    ]
    assert schemas
    assert all(rules["Pathway"]["type"] == ["string", "null"] for rules in schemas)
    names = {"Pathway", "Band", "Rooms", "HasParking"}
    for stream, records in after.records.items():
        without = [{name: value for name, value in each.items() if name not in names} for each in records]
        assert without == before.records[stream]


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"personal_data": "exclude"}, {"Band"}),
        ({"personal_data": "pseudonymise", "pseudonym_key": "k" * 32}, {"Band", "Pathway"}),
        ({"personal_data": "include", "special_category_data": False}, {"Band", "Pathway"}),
        ({"personal_data": "include", "special_category_data": True}, {"Band", "Pathway", "Health"}),
    ],
    ids=["exclude", "pseudonymise", "include", "special"],
)
def test_they_are_protected_as_personal_unless_told_otherwise(
    tmp_path: Path, furnished: Sandbox, settings: dict[str, Any], kept: set[str]
) -> None:
    extra = ["learners.Pathway", "learners.Band:none", "learners.Health:special"]
    run = run_tap(tmp_path, config_for(furnished, extra_fields=extra, **{"special_category_data": False, **settings}))

    assert run.status == 0, run.stderr
    own = {"Pathway", "Band", "Health"}
    assert all(record.keys() & own == kept for record in run.records["learners"])
    assert {record["Band"] for record in run.records["learners"]} == {"3"}
    assert (PATHWAY in run.stdout) == (settings["personal_data"] == "include")
    withheld = [f"learners.{name}" for name in ("Pathway", "Health") if name not in kept]
    told = re.findall("Left out for their data class, although extra_fields has them: (.*)", run.stderr)
    assert told == ([", ".join(withheld)] if withheld else [])


def test_they_are_in_the_catalog_and_can_be_deselected(tmp_path: Path, furnished: Sandbox) -> None:
    config = config_for(furnished, extra_fields=["learners.Pathway", "learners.Band:none"])
    catalog = json.loads(run_tap(tmp_path, config, "--discover").stdout)
    (entry,) = (each for each in catalog["streams"] if each["tap_stream_id"] == "learners")
    rules = entry["schema"]["properties"]
    assert [rules[name]["x-onefile-data-class"] for name in ("Pathway", "Band")] == ["personal", "none"]
    for each in entry["metadata"]:
        if each["breadcrumb"] == ["properties", "Pathway"]:
            each["metadata"]["selected"] = False
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))

    run = run_tap(tmp_path, config, "--catalog", str(tmp_path / "catalog.json"))

    assert run.status == 0, run.stderr
    assert {record["Band"] for record in run.records["learners"]} == {"3"}
    assert all("Pathway" not in record for record in run.records["learners"])
    assert "learners.Pathway" not in run.stderr


def test_a_stream_map_reads_them_and_one_that_is_withheld_is_withheld_from_it(
    tmp_path: Path, furnished: Sandbox
) -> None:
    settings = {"extra_fields": ["learners.Pathway"], "stream_maps": {"learners": {"Lane": "Pathway", "Pathway": None}}}

    run = run_tap(tmp_path, config_for(furnished, **settings))
    withheld = run_tap(tmp_path, config_for(furnished, personal_data="exclude", **settings))

    assert run.status == 0, run.stderr
    assert {(record["Lane"], "Pathway" in record) for record in run.records["learners"]} == {(PATHWAY, False)}
    assert withheld.status == 1
    assert "reads Pathway, which learners does not have, as personal_data is exclude" in withheld.last_line
    assert PATHWAY not in withheld.stdout + withheld.stderr


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        (["learner.Pathway"], "names learner.Pathway, but there is no stream learner. Did you mean learners?"),
        (["learners.Email"], "names learners.Email, but learners has the field Email already"),
        (["learners.email:none"], "names learners.email, but learners has the field Email already"),
        (["learners.L12"], "names learners.L12, but learners has the field L12 already"),
        (["learners.Pathway", "learners.pathway:none"], "names learners.pathway twice"),
        (["learners.Pathway", "Pathway"], "Entry 2 of the setting extra_fields (Pathway) is no name of a field"),
        (["learners.Pathway:secret"], "Entry 1 of the setting extra_fields (learners.Pathway:secret) is no name"),
        (["learners._sdc_batched_at"], "(learners._sdc_batched_at) is no name of a field"),
        (["9f8e-needle"], "Entry 1 of the setting extra_fields is no name of a field"),
        ([7], "extra_fields must be a list of fields"),
        ("learners.Pathway", "extra_fields must be a list of fields"),
    ],
)
def test_a_mistake_is_named_before_the_first_call(tmp_path: Path, extra: object, sentence: str) -> None:
    run = run_tap(tmp_path, {**UNREACHED, "extra_fields": extra})

    assert run.status == 1
    assert sentence in run.last_line
    assert "needle" not in run.stderr
    assert "Traceback" not in run.stderr
    assert not run.stdout
