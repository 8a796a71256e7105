"""An Airbyte low-code source, run by its own CDK. Usage: airbyte_source.py CONFIG FOLDER.

The manifest is airbyte.yaml; what it cannot say in YAML is here, as a custom component: a login that answers with
plain text.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import InitVar, dataclass
from pathlib import Path
from typing import Any

import requests
import yaml
from airbyte_cdk.entrypoint import launch  # type: ignore[import-not-found] # ty: ignore[import-not-found] # an environment of its own
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer  # type: ignore[import-not-found] # ty: ignore[import-not-found] # the same
from airbyte_cdk.sources.declarative.auth.declarative_authenticator import DeclarativeAuthenticator  # type: ignore[import-not-found] # ty: ignore[import-not-found] # the same
from airbyte_cdk.sources.declarative.yaml_declarative_source import YamlDeclarativeSource  # type: ignore[import-not-found] # ty: ignore[import-not-found] # the same

STREAMS = ("customers", "organisations", "assessors", "learners", "classrooms", "placements")
_lock = threading.Lock()
_tokens: dict[str, str] = {}


@dataclass
class SessionAuthenticator(DeclarativeAuthenticator):  # type: ignore[misc] # its base has no types here
    """Logs in once for all streams."""

    config: dict[str, Any]
    parameters: InitVar[dict[str, Any]]

    def get_request_headers(self, **_: object) -> dict[str, str]:
        """Give the header that carries the session."""
        return {"X-TokenID": self._token()}

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign a request."""
        request.headers["X-TokenID"] = self._token()
        return request

    def _token(self) -> str:
        api_url = self.config["api_url"]
        with _lock:
            if api_url not in _tokens:
                headers = {"X-CustomerToken": self.config["customer_token"]}
                answer = requests.post(f"{api_url}/Authentication", headers=headers, timeout=60)
                answer.raise_for_status()
                _tokens[api_url] = answer.text.strip().strip('"')
            return _tokens[api_url]


def main(settings: str, folder: str) -> None:
    """Read the six streams, with the messages of Airbyte's protocol on stdout."""
    schemas = {stream: _read(Path(os.environ["SCHEMAS"], f"{stream}.json")) for stream in STREAMS}
    manifest = yaml.safe_load(Path(__file__).with_name("airbyte.yaml").read_text(encoding="utf-8"))
    for stream, schema in schemas.items():
        manifest["definitions"][stream]["schema_loader"] = {"type": "InlineSchemaLoader", "schema": schema}
    config = _read(Path(settings))
    if config["requests_per_minute"]:
        manifest["api_budget"] = _budget(config["requests_per_minute"])
    catalog = {"streams": [_configured(stream, schema) for stream, schema in schemas.items()]}
    manifest_path = Path(folder, "manifest.yaml")
    manifest_path.write_text(json.dumps(manifest), encoding="utf-8")
    catalog_path = Path(folder, "catalog.json")
    catalog_path.write_text(json.dumps(catalog), encoding="utf-8")
    source = YamlDeclarativeSource(
        path_to_yaml=str(manifest_path),
        catalog=ConfiguredAirbyteCatalogSerializer.load(catalog),
        config=config,
        state=[],
    )
    launch(source, ["read", "--config", settings, "--catalog", str(catalog_path)])


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _budget(calls_per_minute: int) -> dict[str, Any]:
    every_call = {"type": "HttpRequestRegexMatcher", "url_path_pattern": ".*"}
    rate = {"type": "Rate", "limit": calls_per_minute, "interval": "PT1M"}
    policy = {"type": "MovingWindowCallRatePolicy", "rates": [rate], "matchers": [every_call]}
    return {"type": "HTTPAPIBudget", "policies": [policy]}


def _configured(stream: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "stream": {"name": stream, "json_schema": schema, "supported_sync_modes": ["full_refresh"]},
        "sync_mode": "full_refresh",
        "destination_sync_mode": "overwrite",
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
