"""The answers to what nobody outside OneFile knows: one field for each open question."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Iterable

Nothing = Literal["204", "empty-body", "[]", "null", "404"]
"""The ways in which a search can say that there is nothing to say."""

RetryAfter = Literal["seconds", "date"]
"""The spellings of a Retry-After header."""


def _asks(section: str, says: str) -> dict[str, str]:
    """Say what a field settles, and which section of the API page leaves it open."""
    return {"section": section, "says": says}


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How this server settles what the API page leaves open; the defaults are the likeliest answers.

    Raises:
        ValueError: When a field has none of the answers that it can have.
    """

    quoted_session: bool = field(default=False, metadata=_asks("1", "the session comes as a JSON string, in quotes"))
    session_whitespace: bool = field(default=False, metadata=_asks("1", "line ends stand before and after the session"))
    session_content_type: Literal["json", "text"] = field(
        default="json", metadata=_asks("1", "the content type that the session is sent as")
    )
    expired_status: Literal[401, 403] = field(
        default=401, metadata=_asks("1", "status for a missing, wrong or expired session")
    )
    refused_login_status: Literal[401, 403, 400] = field(
        default=401, metadata=_asks("1", "status for a wrong customer token")
    )
    refusal_body: Literal["json", "html", "empty"] = field(
        default="json", metadata=_asks("1", "body of a refused login or session")
    )
    past_the_end: Nothing = field(default="204", metadata=_asks("3", "answer to a page after the last one"))
    no_hits: Nothing = field(default="204", metadata=_asks("2", "answer to a search that finds nothing"))
    page_zero: Literal["first", "all", "400"] = field(
        default="first", metadata=_asks("3", "page 0 is page 1, or everything, or an error")
    )
    page_size_cap: int | None = field(
        default=None, metadata=_asks("3", "largest page; more is silently cut down to it")
    )
    ignores_paging: bool = field(default=False, metadata=_asks("3", "every page is the whole answer"))
    organisation_paging: bool = field(default=True, metadata=_asks("4", "`Organisation/Search/{page}/{size}` exists"))
    framework_template_paging: bool = field(
        default=False, metadata=_asks("4", "`FrameworkTemplate/Search/{page}/{size}` exists")
    )
    order: Literal["by-id", "by-name", "shuffled", "unstable"] = field(
        default="by-id",
        metadata=_asks("3", "order of a search; shuffled is always the same, unstable is new for every call"),
    )
    paged_rows: Literal["rich", "thin"] = field(
        default="rich", metadata=_asks("3", "a page's rows have all fields, or only the least")
    )
    detail_in_search: Literal["thin", "rich"] = field(
        default="thin",
        metadata=_asks("4", "the same of a page of reviews or plans; thin too if `paged_rows` says so"),
    )
    date_style: Literal["z", "z-millis", "offset", "naive", "ticks"] = field(
        default="z",
        metadata=_asks(
            "6",
            "spelling of a moment: fraction if any, always three digits, UK time with its offset,"
            " UTC without a mark, always seven digits",
        ),
    )
    absent_values: Literal["mixed", "missing", "null", "empty"] = field(
        default="mixed",
        metadata=_asks("6", "how a field without data is sent; mixed is any of the others, the same every time"),
    )
    sentinels: bool = field(default=True, metadata=_asks("6", "1900-01-01 and id 0 stand for nothing, beside null"))
    booleans: Literal["json", "text"] = field(default="json", metadata=_asks("6", 'true, or "true"'))
    ids_as_text: bool = field(default=False, metadata=_asks("6", "ids are sent as strings"))
    last_modified: Literal["present", "sometimes", "absent"] = field(
        default="present", metadata=_asks("6", "rows have LastModified")
    )
    last_modified_inclusive: bool = field(
        default=True, metadata=_asks("4", "the LastModified filter finds the very moment too")
    )
    unsupported_roles: Literal["empty", "rows", "400"] = field(
        default="empty", metadata=_asks("4", "answer to a search for a role that the vendor doesn't call supported")
    )
    role_required: bool = field(default=False, metadata=_asks("4", "a search of users without a Role is an error"))
    name_match: Literal["exact", "contains"] = field(
        default="exact", metadata=_asks("4", "how name filters compare; case never matters")
    )
    archived_by_id: bool = field(default=True, metadata=_asks("4", "`GET User/{id}` finds archived learners"))
    archived_portfolios: bool = field(
        default=True, metadata=_asks("4", "searches find the reviews, plans and aims of archived learners")
    )
    learning_without_user: Literal["all", "400"] = field(
        default="all",
        metadata=_asks("4", "a search of learning aims without a UserID is one of the whole customer, or an error"),
    )
    review_window: Literal["scheduled", "completed"] = field(
        default="scheduled",
        metadata=_asks("4", "the date of a review that DateFrom and DateTo test: ScheduledFor, or LearnerSignedOn"),
    )
    date_to_inclusive: bool = field(default=True, metadata=_asks("4", "a DateTo finds the very moment too"))
    no_off_the_job: Literal["204", "404"] = field(
        default="204", metadata=_asks("4", "answer for a learner without off-the-job hours")
    )
    otj_bumps_last_modified: bool = field(
        default=False, metadata=_asks("4", "off-the-job hours that grow move the learner's LastModified")
    )
    progress_bumps_last_modified: bool = field(
        default=True, metadata=_asks("4", "Progress that grows moves the learner's LastModified")
    )
    clock_ahead_minutes: int | Literal[0] = field(  # noqa: PYI051 - any number from 1 on, and 0
        default=0, metadata=_asks("4", "how far the clock that stamps LastModified is ahead of the world's")
    )
    missing_id_status: Literal[404, 400] = field(
        default=404, metadata=_asks("7", "status of GET for an id that is not there")
    )
    retry_after: RetryAfter | None = field(default=None, metadata=_asks("7", "Retry-After on a 429, in this spelling"))

    def __post_init__(self) -> None:
        """Refuse an answer that is none."""
        for name in choices():
            _expect(name, getattr(self, name))

    @classmethod
    def parse(cls, settings: Iterable[str]) -> Behaviour:
        """Read `name=value` settings, as a command line has them."""
        chosen: dict[str, Any] = {}
        for setting in settings:
            name, _, text = setting.partition("=")
            if name not in choices():
                raise ValueError(f"no behaviour is called {name!r}")
            chosen[name] = _read(name, text)
        return cls(**chosen)


@cache
def choices() -> dict[str, tuple[object, ...]]:
    """Give what each field can be, the default first; `int` stands for any number from 1."""
    hints = get_type_hints(Behaviour)
    found = {}
    for about in fields(Behaviour):
        options = list(_options(hints[about.name]))
        options.sort(key=lambda option: not _is_choice(about.default, option))
        found[about.name] = tuple(options)
    return found


def spelled(option: object) -> str:
    """Spell an option as the command line and the README do."""
    return "a number" if option is int else str(option)


def _options(hint: Any) -> Iterable[object]:  # noqa: ANN401 - a type hint can be anything
    if hint is bool:
        return (False, True)
    if hint is int:
        return (int,)
    if hint is type(None):
        return (None,)
    arguments = get_args(hint)
    if all(isinstance(argument, str | int) for argument in arguments):
        return arguments
    return [option for argument in arguments for option in _options(argument)]


def _expect(name: str, value: object) -> None:
    if not any(_is_choice(value, option) for option in choices()[name]):
        options = ", ".join(map(spelled, choices()[name]))
        raise ValueError(f"{name} can be {options}, not {value!r}")


def _is_choice(value: object, option: object) -> bool:
    if option is int:
        return type(value) is int and value > 0
    # 1 would pass for True and 0 for False.
    return type(value) is type(option) and value == option


def _read(name: str, text: str) -> object:
    for option in choices()[name]:
        if option is int and text.isdecimal():
            return int(text)
        if str(option).lower() == text.lower():
            return option
    _expect(name, text)
    return text
