"""The tap's listing on Meltano Hub, made from what the tap says about itself and from our own texts.

The Hub's robot reads ``--about`` every week and overwrites kind, label, description, value and options of each setting
with what it makes of it. So settings follow the robot's rules here (``utilities.py`` and ``meltano_util.py`` of
meltano/hub-utils): whatever else we wrote would not last.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from typing_extensions import override

from tap_onefile.streams import STREAMS
from tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

_HERE = Path(__file__).parent
PLUGIN_FILE = ROOT / "plugin.yaml"

_PLACEHOLDERS = {
    "api_url": "https://wsapi.onefile.co.uk/api/v2.1",
    "organisation_ids": "[1234, 5678]",
    "start_date": "2026-01-01T00:00:00Z",
    "user_agent": "tap-onefile (data@college.example)",
}
_DATES = ("start_date", "end_date")
_MASKED = ("password", "id", "token", "key", "secret")


def listing() -> dict[str, Any]:
    """Make the definition.

    Returns:
        What the Hub keeps about the tap, in the form of its files.
    """
    about = _about()
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    name: str = project["name"]
    repository: str = project["urls"]["Homepage"]
    return {
        "name": name,
        "namespace": name.replace("-", "_"),
        "variant": repository.split("/")[-2],
        "label": "OneFile",
        "description": "E-portfolio for apprenticeships",
        "domain_url": "https://www.onefile.co.uk",
        "logo_url": "/assets/logos/extractors/onefile.png",
        "keywords": ["api", "apprenticeships", "e-portfolio", "education", "meltano_sdk"],
        "maintenance_status": "beta",
        "quality": "silver",  # the Hub's rating for what is built on the SDK and comes from the community
        "executable": name,
        "pip_url": name,
        "repo": repository,
        "docs": project["urls"]["Documentation"],
        "supported_python_versions": about["supported_python_versions"],
        "capabilities": sorted(about["capabilities"]),
        "log_parser": "singer-sdk",
        "select": [f"{stream.name}.*" for stream in STREAMS if stream.selected_by_default],
        "settings": [_setting(name, rule) for name, rule in about["settings"]["properties"].items()],
        "settings_group_validation": [about["settings"]["required"]],
        **{
            part: (_HERE / f"{part}.md").read_text(encoding="utf-8")
            for part in ("prereq", "settings_preamble", "usage")
        },
    }


def as_yaml(definition: Mapping[str, Any]) -> str:
    """Write a definition as the Hub's linter wants it: keys in order, long texts as they are read.

    Args:
        definition: What to write.
    """
    text: str = yaml.dump(dict(definition), Dumper=_Dumper, width=100, allow_unicode=True)
    return text


def _about() -> dict[str, Any]:
    """Ask the tap as the robot does."""
    command = [sys.executable, "-m", "tap_onefile", "--about", "--format", "json"]
    asked = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    about: dict[str, Any] = json.loads(asked.stdout)
    return about


def _setting(name: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    kind = _kind(name, rule)
    setting = {"name": name, "label": rule["title"], "description": rule["description"], "kind": kind}
    if kind == "password":
        setting["sensitive"] = True
    if kind == "options":
        setting["options"] = [{"label": value.title(), "value": value} for value in rule["enum"]]
    if rule.get("default") is not None and kind != "date_iso8601":
        setting["value"] = rule["default"]
    if name in _PLACEHOLDERS:
        setting["placeholder"] = _PLACEHOLDERS[name]
    return setting


def _kind(name: str, rule: Mapping[str, Any]) -> str:
    kind: str = next(kind for kind in rule["type"] if kind != "null")
    if kind == "number":
        return "integer"
    if kind != "string":
        return kind
    if name in _DATES:
        return "date_iso8601"
    if any(part in name for part in _MASKED):
        return "password"
    return "options" if "enum" in rule else kind


class _Dumper(yaml.SafeDumper):
    @override
    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
