"""What the settings may hold, and what is said where they do not."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tap_onefile import __version__
from tap_onefile.errors import SettingsError
from tap_onefile.settings import ENVIRONMENTS, Settings, settings_schema, unknown_settings

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SETTINGS = settings_schema({"plans", "reviews"})

TOKEN = "3F2504E0-4F89-11D3-9A0C-0305E82C3301"

LIMITS = {
    "page_size": (1, 1000),
    "parallel_requests": (1, 64),
    "requests_per_minute": (0, 1_000_000),
    "request_timeout": (1, 3600),
    "retry_for": (0, 86_400),
    "lookback": (0, 8760),
    "review_window": (0, 36_500),
}
UNITS = {"lookback": timedelta(hours=1), "review_window": timedelta(days=1)}


def read(**config: object) -> Settings:
    return Settings.from_config({"customer_token": TOKEN, **config}, SETTINGS)


def read_number(name: str, value: object) -> object:
    read_value: object = getattr(read(**{name: value}), name)
    return read_value / UNITS[name] if isinstance(read_value, timedelta) else read_value


def fault(**config: object) -> str:
    """Give what the user is told about settings that must not be accepted."""
    with pytest.raises(SettingsError) as refused:
        read(**config)
    return str(refused.value)


def test_a_token_is_all_that_must_be_set() -> None:
    settings = read()

    assert settings.customer_token == TOKEN
    assert settings.api_url == "https://wsapi.onefile.co.uk/api/v2.1"
    assert settings.organisation_ids is None
    assert settings.start_date is None
    assert settings.fetch_details == {"reviews", "plans"}
    assert settings.user_agent == f"tap-onefile/{__version__}"
    for name in LIMITS:
        assert getattr(settings, name) == SETTINGS["properties"][name]["default"] * UNITS.get(name, 1)


def test_null_is_the_same_as_left_out() -> None:
    nothing = dict.fromkeys(name for name in SETTINGS["properties"] if name != "customer_token")

    assert read(**nothing) == read()


def test_settings_do_not_show_the_token() -> None:
    assert TOKEN not in repr(read())


@pytest.mark.parametrize("name", LIMITS)
@unhurried
@given(value=st.integers(-10, 2_000_000))
def test_each_number_is_taken_within_its_limits_and_refused_beyond(name: str, value: int) -> None:
    least, most = LIMITS[name]
    if least <= value <= most:
        assert read_number(name, value) == value
    else:
        assert f"{name} must be a whole number from {least} to {most}." in fault(**{name: value})


@pytest.mark.parametrize("name", LIMITS)
def test_the_limits_of_each_number_are_inside(name: str) -> None:
    for value in LIMITS[name]:
        assert read_number(name, value) == value
    for value in (LIMITS[name][0] - 1, LIMITS[name][1] + 1):
        assert name in fault(**{name: value})


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("value", ["10", 10.5, True, [10], {}, ""], ids=repr)
def test_what_is_no_whole_number_is_refused(name: str, value: object) -> None:
    assert f"{name} must be a whole number from" in fault(**{name: value})


@pytest.mark.parametrize("name", sorted(LIMITS.keys() - UNITS.keys()))
def test_a_whole_number_with_a_decimal_point_is_a_whole_number(name: str) -> None:
    # The page size becomes a part of the path: 10.0 would not be one.
    assert repr(getattr(read(**{name: 10.0}), name)) == "10"


@pytest.mark.parametrize(("environment", "address"), ENVIRONMENTS.items())
def test_each_environment_has_its_address(environment: str, address: str) -> None:
    assert read(environment=environment).api_url == address
    assert read(environment=environment, api_url="https://proxy.test/api").api_url == "https://proxy.test/api"


def test_an_environment_that_is_not_known_is_refused_with_those_that_are() -> None:
    assert "environment must be one of live, practice, beta" in fault(environment="Live")


@pytest.mark.parametrize(
    "address",
    [
        "https://wsapi.onefile.co.uk/api/v2.1",
        "https://wsapi.onefile.co.uk:8443/api/v2.1/",
        "  https://proxy.test/onefile\n",
        "HTTPS://proxy.test/onefile",
        "http://localhost:8000/api/v2.1",
        "http://LOCALHOST/api",
        "http://127.0.0.1:8000",
        "http://127.8.9.10",
        "http://[::1]:8000/api",
    ],
    ids=repr,
)
def test_an_address_is_https_or_http_to_a_loopback_address(address: str) -> None:
    assert read(api_url=address).api_url == address.strip()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://wsapi.onefile.co.uk/api/v2.1", "must begin with https://"),
        ("http://127.0.0.1.example.org", "must begin with https://"),
        ("http://localhost.example.org", "must begin with https://"),
        ("http://0.0.0.0:8000", "must begin with https://"),
        ("http://192.168.0.1", "must begin with https://"),
        ("http://2130706433", "must begin with https://"),
        ("http://[::2]", "must begin with https://"),
        ("wsapi.onefile.co.uk/api/v2.1", "whole address"),
        ("ftp://wsapi.onefile.co.uk", "whole address"),
        ("file:///etc/passwd", "whole address"),
        ("https:///api/v2.1", "whole address"),
        ("https://", "whole address"),
        ("", "whole address"),
        ("https://user:secret@proxy.test", "no user"),
        ("https://secret@proxy.test", "no user"),
        ("http://localhost@proxy.test", "no user"),
        ("http://localhost\\@proxy.test", "no user"),
        ("https://proxy.test/api?secret=1", "no user"),
        ("https://proxy.test/api#secret", "no user"),
        ("https://proxy.test:http/api", "not a valid address"),
        ("https://proxy.test:99999/api", "not a valid address"),
        ("https://[::1/api", "not a valid address"),
        (5, "must be text"),
    ],
)
def test_any_other_address_is_refused_without_repeating_it(address: object, words: str) -> None:
    told = fault(api_url=address)

    assert words in told
    assert "secret" not in told


@pytest.mark.parametrize(
    "address", ["https://proxy test/api", "https://proxy.test/a\nb", "https://pro\txy.test/api"], ids=repr
)
def test_an_address_with_a_blank_or_a_control_character_in_it_is_refused(address: str) -> None:
    assert "api_url" in fault(api_url=address)


@pytest.mark.parametrize(
    ("start_date", "timestamp"),
    [
        ("2026-01-31", "2026-01-31T00:00:00.000000Z"),
        ("2026-01-31T10:00:00+01:00", "2026-01-31T09:00:00.000000Z"),
        ("2026-01-31T10:00:00", "2026-01-31T10:00:00.000000Z"),
    ],
)
def test_the_start_date_becomes_a_timestamp_in_utc(start_date: str, timestamp: str) -> None:
    assert read(start_date=start_date).start_date == timestamp


@pytest.mark.parametrize("start_date", ["yesterday", "31/01/2026", "2026-02-30", "", 20260131], ids=repr)
def test_what_is_no_date_is_refused_as_start_date(start_date: object) -> None:
    assert "start_date must be" in fault(start_date=start_date)


def test_organisations_are_whole_numbers_and_no_list_means_all() -> None:
    assert read(organisation_ids=[5740, 5741, 5740]).organisation_ids == frozenset({5740, 5741})


def test_an_empty_list_does_not_mean_all() -> None:
    assert "organisation_ids is an empty list" in fault(organisation_ids=[])


@pytest.mark.parametrize("wrong", [["5740"], [1.5], [True], "5740", 5740, {}], ids=repr)
def test_what_is_no_list_of_whole_numbers_is_refused(wrong: object) -> None:
    assert "organisation_ids must be a list of whole numbers" in fault(organisation_ids=wrong)


def test_whole_numbers_with_a_decimal_point_are_organisations_by_the_same_spelling() -> None:
    assert repr(read(organisation_ids=[5740.0]).organisation_ids) == "frozenset({5740})"


def test_details_are_fetched_for_streams_that_have_them() -> None:
    assert read(fetch_details=["plans"]).fetch_details == {"plans"}
    assert read(fetch_details=[]).fetch_details == frozenset()


@pytest.mark.parametrize("wrong", [["nonsense"], ["plans", 1], "plans", {}], ids=repr)
def test_details_of_anything_else_are_refused(wrong: object) -> None:
    assert "fetch_details must be a list of streams that have details" in fault(fetch_details=wrong)


@pytest.mark.parametrize("user_agent", ["", " ", "tap\r\nX-Evil: 1", "tap\x00", "tàp", 5], ids=repr)
def test_a_user_agent_that_no_header_can_hold_is_refused(user_agent: object) -> None:
    assert "user_agent must be" in fault(user_agent=user_agent)


def test_a_token_is_taken_without_the_blanks_around_it() -> None:
    assert read(customer_token=f" {TOKEN}\n").customer_token == TOKEN


@pytest.mark.parametrize("config", [{}, {"customer_token": None}], ids=repr)
def test_a_missing_token_is_told_alone(config: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"^The setting customer_token is missing: [^.]*\.$"):
        Settings.from_config(config, SETTINGS)


secrets = st.text(min_size=1).map(lambda text: f"s3cr3t{text}s3cr3t")


@unhurried
@given(
    token=st.one_of(
        secrets,
        secrets.map(lambda secret: [secret]),
        secrets.map(lambda secret: {secret: secret}),
        st.integers(10**9).map(lambda number: int(f"{number}{number}")),
        st.sampled_from(["", " ", "\n", 0, False]),
    ),
    others=st.fixed_dictionaries(
        {}, optional={name: st.one_of(st.none(), st.integers(), st.just("x")) for name in SETTINGS["properties"]}
    ),
)
def test_no_error_text_ever_holds_the_token(token: object, others: dict[str, Any]) -> None:
    told = ""
    try:
        settings = read(**{**others, "customer_token": token})
    except SettingsError as refused:
        told = str(refused)
    else:
        assert isinstance(token, str)
        assert re.fullmatch("[!-~]+", settings.customer_token)
        assert settings.customer_token == token.strip()
    assert "s3cr3t" not in told
    assert len(str(token)) < 6 or str(token) not in told


def test_every_fault_is_told_at_once() -> None:
    told = fault(page_size=0, environment="x", api_url="y", start_date="z", retry_for=-1, user_agent="")

    for name in ("page_size", "environment", "api_url", "start_date", "retry_for", "user_agent"):
        assert f"The setting {name} " in told


def test_a_setting_that_nothing_reads_is_told_with_the_one_that_was_meant() -> None:
    known = SETTINGS["properties"]
    told = sorted(unknown_settings({"customer_token": TOKEN, "customer_tokn": TOKEN, "zzz": 1}, known))

    assert told == [
        "There is no setting customer_tokn; it is ignored. Did you mean customer_token?",
        "There is no setting zzz; it is ignored.",
    ]


@pytest.mark.parametrize(
    "name",
    [
        TOKEN,
        TOKEN.lower(),
        f"customer_token={TOKEN}",
        f"customer_token {TOKEN}",
        "ab" * 21,
        "a" * 21,
        "Needle",
        "x" * 10**6,
    ],
)
def test_what_may_be_a_token_in_place_of_a_name_is_not_shown(name: str) -> None:
    (told,) = unknown_settings({name: 1}, SETTINGS["properties"])

    assert name not in told
    assert TOKEN[:8].lower() not in told.lower()
    assert told.startswith(
        "There is no setting with that name, which is not shown as it may be a secret; it is ignored."
    )


def test_the_token_is_marked_as_a_secret_and_every_setting_is_described() -> None:
    assert SETTINGS["properties"]["customer_token"]["secret"] is True
    for name, rule in SETTINGS["properties"].items():
        assert rule["title"], name
        assert rule["description"].endswith("."), name
