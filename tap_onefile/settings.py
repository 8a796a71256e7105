"""The settings: their names, their meaning, and what they may hold."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jsonschema import Draft7Validator
from singer_sdk import typing as th

from tap_onefile import __version__
from tap_onefile.api.transport import is_loopback, is_plain_path
from tap_onefile.errors import SettingsError
from tap_onefile.records.convert import attempt, to_timestamp
from tap_onefile.records.privacy import SHORTEST_KEY, PersonalData

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jsonschema import ValidationError

ENVIRONMENTS = {
    "live": "https://wsapi.onefile.co.uk/api/v2.1",
    "practice": "https://wsapi2.onefile.co.uk/api/v2.1",
    "beta": "https://wsapibeta.onefile.co.uk/api/v2.1",
}
"""The vendor's hosts (help articles 76000020990 and 76000048013)."""

PLACEHOLDERS = frozenset({"...", "TOKEN-FROM-ONEFILE", "TOKEN-FOR-PRACTICE"})
"""What stands for a token on our own pages."""

DETAILED_BY_DEFAULT = ("reviews", "plans")
"""Streams whose records are completed by a call unless the setting fetch_details says otherwise."""
_LONGEST_NAME = 40
"""Characters."""
_PROTECTIVE = frozenset({"organisation_ids", "personal_data", "pseudonym_key", "stream_maps"})
"""What keeps something back, so that a run without it sends more than the user wants."""
_PLAUSIBLE = re.compile("[a-z]{1,20}(_[a-z]{1,20})*")
"""What looks like the name of a setting, and not like a token in its place."""


def _setting(kind: Any, description: str, **rule: Any) -> dict[str, Any]:  # noqa: ANN401 - as the SDK types them
    return {"wrapped": kind, "description": description, **rule}


_DECLARED: dict[str, dict[str, Any]] = {
    "customer_token": _setting(
        th.StringType,
        "The API token of your customer, which OneFile support gives to Centre Managers by ticket. It works"
        " in one environment only.",
        required=True,
        secret=True,
    ),
    "environment": _setting(
        th.StringType(allowed_values=list(ENVIRONMENTS)),
        "The OneFile environment that the customer token belongs to: live, practice or beta.",
        default="live",
    ),
    "api_url": _setting(
        th.StringType,
        "The address of the API with its version, in place of environment, for a proxy or the sandbox."
        " Must be https, or http to a loopback address.",
        title="API address",
    ),
    "organisation_ids": _setting(
        th.ArrayType(th.IntegerType),
        "OneFile ids of the organisations (centres) to read. If left out, all that the token can see.",
        title="Organisations",
    ),
    "special_category_data": _setting(
        th.BooleanType,
        "Whether to read what is known of learners' ethnicity, sex, health, disabilities and learning"
        " difficulties. Where it is off, these fields are in neither the catalog nor the records.",
        default=False,
    ),
    "personal_data": _setting(
        th.StringType(allowed_values=[each.value for each in PersonalData]),
        "What to do with personal fields, such as names and e-mail addresses: include them as they are,"
        " pseudonymise them, or exclude them. Ids and MISIDs stay as they are.",
        default=PersonalData.INCLUDE.value,
    ),
    "pseudonym_key": _setting(
        th.StringType,
        "The secret that pseudonyms are made with, of at least 32 characters. The same key gives the same"
        " pseudonyms; anyone who has it can find out whom they stand for.",
        secret=True,
    ),
    "page_size": _setting(
        th.IntegerType(minimum=1, maximum=1000),
        "Records to ask for in one call, from 1 to 1000. More means fewer calls; OneFile may give fewer.",
        default=100,
    ),
    "parallel_requests": _setting(
        th.IntegerType(minimum=1, maximum=64),
        "Calls that may be under way at once, from 1 (one at a time) to 64. The records and their order do"
        " not depend on it.",
        default=8,
    ),
    "requests_per_minute": _setting(
        th.IntegerType(minimum=0, maximum=1_000_000),
        "The most calls to make in any minute, including logins and repeats. OneFile answers 300 for a"
        " customer: lower it where other programs call OneFile too. 0 is no limit, for a server of your own.",
        default=300,
    ),
    "start_date": _setting(
        th.DateTimeType,
        "Read only people whose record was modified, and reviews scheduled, at or after this moment"
        " (the year first, as in 2026-01-31; UTC unless it says otherwise), on every run. Other streams are always read"
        " in full.",
    ),
    "lookback": _setting(
        th.IntegerType(minimum=0, maximum=8760),
        "Where the catalog asks for changes only (INCREMENTAL), hours before the bookmark from which people are read"
        " again on every run, in case OneFile's clock differs from ours or a change took its time to show.",
        default=24,
        title="Look back",
    ),
    "review_window": _setting(
        th.IntegerType(minimum=0, maximum=36_500),
        "Days before the bookmark from which reviews are read again on every run, as a signed review can be"
        " unlocked and changed. Reviews scheduled for the future are always read.",
        default=180,
    ),
    "detail_window": _setting(
        th.IntegerType(minimum=0, maximum=36_500),
        "Where fetch_details names people, days before the bookmark from which those modified are completed and sent"
        " again on every run. Others are not sent, and stay in the target as they are.",
        default=30,
    ),
    "fetch_details": _setting(
        th.ArrayType(th.StringType),
        "Streams whose records are each completed by a call, as OneFile's searches may give only a part of them. A list"
        " takes the place of the default: keep its names in it.",
        default=[*DETAILED_BY_DEFAULT],
    ),
    "extra_fields": _setting(
        th.ArrayType(th.StringType),
        "Fields that OneFile sends and the streams do not have, to read as text: learners.Pathway, of the class"
        " personal, or learners.Pathway:none or :special for another class. A run names what it leaves out.",
    ),
    "emit_activate_version_messages": _setting(
        th.BooleanType,
        "Whether to tell the target, after a complete run over all organisations, which version of each"
        " full-table stream is the present one, so that it can remove what OneFile no longer has.",
        default=False,
        title="Report deleted records",
    ),
    "user_agent": _setting(
        th.StringType,
        "How the tap introduces itself to OneFile in each call. If left out, by its name and version.",
        # Without a default in the schema: the Hub would keep it, and the tap go on under its old version.
    ),
    "request_timeout": _setting(
        th.IntegerType(minimum=1, maximum=3600),
        "Seconds to wait for a connection, and for the whole answer after that, before a call is repeated.",
        default=60,
        title="Request time-out",
    ),
    "retry_for": _setting(
        th.IntegerType(minimum=0, maximum=86_400),
        "Seconds for which one call is repeated after passing failures, such as a server error or a broken"
        " connection, before the run fails; after too many calls (429), it is repeated for at least 900. Set it to"
        " 2700 for runs that must outlast a release of OneFile.",
        default=120,
    ),
}


def settings_schema(detailed: Iterable[str]) -> dict[str, Any]:
    """Return the JSON schema of the settings, given the names of the streams that have details."""
    titled: dict[str, dict[str, Any]] = {
        name: {"title": name.replace("_", " ").capitalize(), **rule} for name, rule in _DECLARED.items()
    }
    schema = th.PropertiesList(*(th.Property[Any](name, **rule) for name, rule in titled.items())).to_dict()
    schema["properties"]["fetch_details"]["items"]["enum"] = sorted(detailed)
    return schema


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a run, checked and with their defaults."""

    customer_token: str = field(repr=False)
    api_url: str
    organisation_ids: frozenset[int] | None
    page_size: int
    parallel_requests: int
    requests_per_minute: int
    start_date: str | None
    """A timestamp as in records."""
    lookback: timedelta
    review_window: timedelta
    detail_window: timedelta
    fetch_details: frozenset[str]
    """Names of streams."""
    reports_deleted: bool
    user_agent: str
    request_timeout: int
    """Seconds."""
    retry_for: int
    """Seconds."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any], schema: Mapping[str, Any]) -> Settings:
        """Make the settings from what the user has set; raises as `check` does."""
        check(config, schema)
        values = {name: rule.get("default") for name, rule in schema["properties"].items()}
        values |= {name: value for name, value in config.items() if value is not None}
        return cls(
            customer_token=values["customer_token"].strip(),
            api_url=(values["api_url"] or ENVIRONMENTS[values["environment"]]).strip(),
            organisation_ids=frozenset(map(int, values["organisation_ids"])) if values["organisation_ids"] else None,
            page_size=int(values["page_size"]),
            parallel_requests=int(values["parallel_requests"]),
            requests_per_minute=int(values["requests_per_minute"]),
            start_date=to_timestamp(values["start_date"]) if values["start_date"] else None,
            lookback=timedelta(hours=values["lookback"]),
            review_window=timedelta(days=values["review_window"]),
            detail_window=timedelta(days=values["detail_window"]),
            fetch_details=frozenset(values["fetch_details"]),
            reports_deleted=values["emit_activate_version_messages"],
            user_agent=values["user_agent"] or f"tap-onefile/{__version__}",
            request_timeout=int(values["request_timeout"]),
            retry_for=int(values["retry_for"]),
        )


def check(config: Mapping[str, Any], schema: Mapping[str, Any], origins: Mapping[str, str] | None = None) -> None:
    """Check what the user has set; a `SettingsError` names each fault and where it comes from, and holds no secret."""
    if faults := [_with_origin(sentence, origins or {}) for sentence in _faults(config, schema)]:
        raise SettingsError(" ".join(dict.fromkeys(faults)))


def unfit_settings(config: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence, without the value, for each setting that the SDK rejects."""
    # The SDK has them in a read-only view, which is no object to the validator.
    for error in Draft7Validator(known).iter_errors(dict(config)):
        name = error.path[0]
        kinds = known["properties"][name].get("type", ())
        kind = next((kind for kind in kinds if kind != "null"), "something else")
        yield f"The setting {name} is not valid: `tap-onefile --about` describes it ({kind})."


def unknown_settings(
    config: Mapping[str, Any], known: Mapping[str, Any], origins: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Yield a sentence for each setting that does not exist: most often it is mistyped.

    Raises:
        SettingsError: One seems to be meant that keeps something back, so that a run without it would send too much.
    """
    for name in config.keys() - known.keys():
        (near,) = difflib.get_close_matches(name[:_LONGEST_NAME], known, n=1) or [""]
        shown = plausible(name) or "with that name, which is not shown as it may be a secret"
        if plausible(name) and (origin := (origins or {}).get(name)):
            shown = f"{shown} ({origin})"
        if near in _PROTECTIVE:
            raise SettingsError(f"There is no setting {shown}. Write {near}: without it, the run would send too much.")
        yield f"There is no setting {shown}; it is ignored." + (f" Did you mean {near}?" if near else "")


def plausible(name: str) -> str | None:
    """Return a name if it looks like that of a setting; None for what may be a secret in its place."""
    return name if len(name) <= _LONGEST_NAME and _PLAUSIBLE.fullmatch(name) else None


def _with_origin(sentence: str, origins: Mapping[str, str]) -> str:
    """Say of the setting that a sentence is about where it comes from."""
    if (found := re.match(r"The setting (\w+)", sentence)) and (origin := origins.get(found[1])):
        return f"{found[0]} ({origin}){sentence[found.end() :]}"
    return sentence


def _faults(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    # Only our own properties: those of the SDK are the SDK's to check.
    own = {name: config[name] for name in schema["properties"] if config.get(name) is not None}
    for error in list(Draft7Validator(schema).iter_errors(own)):
        yield _in_words(error, schema)
        if error.path:
            own.pop(str(error.path[0]), None)
    if "customer_token" in own and (fault := _token_fault(own["customer_token"].strip())):
        yield fault
    if own.get("organisation_ids") == []:
        # A list that came out empty by mistake must not mean everything.
        yield "The setting organisation_ids is an empty list: name an organisation, or leave it out to read all."
    if "api_url" in own and (fault := _address_fault(own["api_url"].strip())):
        yield fault
    if "pseudonym_key" in own and len(own["pseudonym_key"]) < SHORTEST_KEY:
        yield (
            f"The setting pseudonym_key must have at least {SHORTEST_KEY} characters, so that nobody can guess it: make"
            " one with `openssl rand -hex 32`."
        )
    if config.get("pseudonym_key") is None and own.get("personal_data") == PersonalData.PSEUDONYMISE:
        yield (
            "The setting personal_data is pseudonymise, which needs the setting pseudonym_key: make one with `openssl"
            " rand -hex 32`, and keep it as safe as the customer token."
        )
    if "start_date" in own and attempt(to_timestamp, own["start_date"], None) is None:
        yield "The setting start_date must be an ISO 8601 date such as 2026-01-31 or 2026-01-31T00:00:00Z."
    if (agent := own.get("user_agent")) is not None and not (agent.isascii() and agent.isprintable() and agent.strip()):
        yield "The setting user_agent must be a line of plain ASCII text."


def _in_words(error: ValidationError, schema: Mapping[str, Any]) -> str:
    """Say what is wrong with a setting without repeating its value, which may be a secret."""
    if not error.path:
        return "The setting customer_token is missing: set it to the API token that OneFile support gave you."
    name = str(error.path[0])
    rule = schema["properties"][name]
    if "enum" in rule:
        expected = f"one of {', '.join(map(str, rule['enum']))}"
    elif "minimum" in rule:
        expected = f"a whole number from {rule['minimum']} to {rule['maximum']}"
    elif name == "fetch_details":
        expected = f"a list of streams that have details: {', '.join(rule['items']['enum'])}"
    elif "boolean" in rule["type"]:
        expected = "true or false"
    elif name == "extra_fields":
        expected = 'a list of fields, such as ["learners.Pathway"]'
    elif name == "organisation_ids":
        expected = "a list of whole numbers, such as [5740]"
    else:
        expected = "text"
    return f"The setting {name} must be {expected}."


def _token_fault(token: str) -> str | None:
    if not (token.isascii() and _is_word(token)):
        return "The setting customer_token is empty or holds characters that no OneFile token has: copy it again."
    if token in PLACEHOLDERS:
        return "The setting customer_token is the example of the documentation: write your own token in its place."
    return None


def _address_fault(api_url: str) -> str | None:
    try:
        parts = urlsplit(api_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "The setting api_url is not a valid address."
    if parts.scheme not in {"http", "https"} or not host or not _is_word(api_url):
        return "The setting api_url must be a whole address, such as https://wsapi.onefile.co.uk/api/v2.1."
    if parts.username is not None or parts.password is not None or set(api_url) & set("?#;"):
        return "The setting api_url must hold no user, password, query or fragment."
    if not is_plain_path(parts.path):
        return "The setting api_url must hold a plain path, such as /api/v2.1, without dots or slashes in disguise."
    if parts.scheme == "http" and not is_loopback(host):
        return (
            "The setting api_url must begin with https://, as the token and personal data would travel unencrypted;"
            " http:// is for a loopback address only."
        )
    return None


def _is_word(text: str) -> bool:
    return text.isprintable() and text.split() == [text]
