"""The listing on Meltano Hub says what the tap says about itself, and Meltano can use it as it is."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tap_onefile.tap import SETTINGS
from tests.running import as_environment, clean_environment, config_for, run_tap
from tools import ROOT
from tools.demo.pipeline import MELTANO

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox


@pytest.fixture(scope="module")
def listing() -> dict[str, Any]:
    """Give what the Hub is sent."""
    definition: dict[str, Any] = yaml.safe_load((ROOT / "plugin.yaml").read_text(encoding="utf-8"))
    return definition


@pytest.fixture(scope="module")
def in_meltano_yml() -> dict[str, Any]:
    """Give what the repository's own Meltano project says about the tap."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    extractor: dict[str, Any] = project["plugins"]["extractors"][0]
    return extractor


def test_the_listing_is_fresh() -> None:
    check = subprocess.run([sys.executable, "-m", "tools.hub", "--check"], cwd=ROOT, check=False, timeout=60)

    assert check.returncode == 0, "run `make docs`"


def test_the_hub_accepts_it(listing: dict[str, Any]) -> None:
    rules = json.loads((ROOT / "tools" / "hub" / "extractors.schema.json").read_text(encoding="utf-8"))

    assert [error.message for error in Draft7Validator(rules).iter_errors(listing)] == []


def test_meltano_installs_it_with_the_python_that_runs_meltano(listing: dict[str, Any]) -> None:
    # With one that is not listed, Meltano looks for the newest that is, which the machine need not have.
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in listing["supported_python_versions"]


def test_its_keys_are_in_the_order_of_the_alphabet(listing: dict[str, Any]) -> None:
    for mapping in (listing, *listing["settings"]):
        assert list(mapping) == sorted(mapping)


def test_it_says_what_the_tap_says(listing: dict[str, Any], tmp_path: Path) -> None:
    about = json.loads(run_tap(tmp_path, None, "--about", "--format", "json").stdout)

    assert listing["capabilities"] == sorted(about["capabilities"])
    assert listing["supported_python_versions"] == about["supported_python_versions"]
    assert listing["settings_group_validation"] == [about["settings"]["required"]]
    rules = about["settings"]["properties"]
    assert [setting["name"] for setting in listing["settings"]] == list(rules)
    for setting in listing["settings"]:
        rule = rules[setting["name"]]
        assert (setting["label"], setting["description"]) == (rule["title"], rule["description"])
        assert setting.get("value") == rule.get("default")
        assert [option["value"] for option in setting.get("options", ())] == rule.get("enum", [])


def test_its_robot_masks_secrets_and_nothing_else(listing: dict[str, Any]) -> None:
    kinds = {setting["name"]: setting["kind"] for setting in listing["settings"]}

    for name, rule in SETTINGS["properties"].items():
        # The robot goes by names. Where this fails, give the setting another name.
        assert (kinds[name] == "password") == rule.get("secret", False), name
        assert (kinds[name] == "date_iso8601") == (rule.get("format") == "date-time"), name


def test_meltano_yml_says_the_same(listing: dict[str, Any], in_meltano_yml: dict[str, Any]) -> None:
    for part in ("name", "namespace", "label", "executable", "capabilities", "select", "settings_group_validation"):
        assert in_meltano_yml[part] == listing[part], part
    # Meltano itself has no passwords any more: it has texts that are sensitive. Its dates are read the American way, so
    # that only the Hub is told of one. What the SDK adds is the Hub's to show.
    own = [_as_meltano_has_it(each) for each in listing["settings"] if each["name"] in SETTINGS["properties"]]
    assert in_meltano_yml["settings"] == own


def test_the_logo_fits_the_hubs_box() -> None:
    picture = (ROOT / "tools" / "hub" / "logo.png").read_bytes()
    width, height, _, colours = struct.unpack(">IIBB", picture[16:26])

    assert picture.startswith(b"\x89PNG")
    assert (width <= 250, height <= 200) == (True, True)
    assert colours == 6, "red, green, blue, and what is transparent"
    assert len(picture) < 20_000


@pytest.mark.timeout(180)
@pytest.mark.slow
def test_meltano_adds_the_tap_to_an_empty_project_and_reaches_onefile(
    tmp_path: Path, wheel: Path, sandbox: Sandbox, listing: dict[str, Any]
) -> None:
    shutil.copy(
        ROOT / "requirements" / "dev.txt", tmp_path
    )  # uv splits the variable at spaces, as in the checkout's path
    environment = {
        **clean_environment(),
        **as_environment(config_for(sandbox)),
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
        "NO_COLOR": "1",
        # The wheel in the folder is the only tap-onefile there is; what it needs is in uv's cache since the set-up.
        "UV_OFFLINE": "1",
        "UV_FIND_LINKS": str(wheel.parent),
        "UV_CONSTRAINT": "dev.txt",
    }

    def meltano(*arguments: str) -> str:
        command = [str(MELTANO), "--env-file", os.devnull, *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    meltano("init", "--no-usage-stats", ".")
    meltano("add", "--plugin-type", "extractor", "tap-onefile", "--from-ref", str(ROOT / "plugin.yaml"))
    # Meltano leaves out of a reference what to select, so the page says how to set it.
    page = (ROOT / "docs" / "hub-submission.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^meltano (config set tap-onefile _select .+)$", page, re.MULTILINE)
    meltano(*shlex.split(command))

    (extractor,) = yaml.safe_load((tmp_path / "meltano.yml").read_text(encoding="utf-8"))["plugins"]["extractors"]
    assert extractor["select"] == listing["select"]
    assert "Plugin configuration is valid" in meltano("--environment=dev", "config", "test", "tap-onefile")
    (installed,) = tmp_path.glob(".meltano/extractors/tap-onefile/venv/lib/*/site-packages/tap_onefile/__init__.py")
    assert installed.is_file()


def _as_meltano_has_it(setting: dict[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in setting.items() if name != "placeholder"}
    return {**plain, "kind": "string"} if plain["kind"] in {"password", "date_iso8601"} else plain
