"""The answers to what nobody outside OneFile knows: one field for each open question."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Iterable

Nothing = Literal["204", "empty-body", "[]", "null", "404"]
"""The ways in which a search can say that there is nothing to say."""

RetryAfter = Literal["seconds", "date"]
"""The spellings of a Retry-After header."""

_Number = int | Literal[0]  # noqa: PYI051 - any number from 1 on, and 0


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How this server settles what the API page leaves open; the defaults are the likeliest answers.

    Each field says which section of the page leaves it open, and what it settles.
    """

    quoted_session: Annotated[bool, "1", "the session comes as a JSON string, in quotes"] = False
    session_whitespace: Annotated[bool, "1", "line ends stand before and after the session"] = False
    session_content_type: Annotated[Literal["json", "text"], "1", "the content type that the session is sent as"] = (
        "json"
    )
    session_calls: Annotated[_Number, "1", "calls after which a session dies; 0 is any number"] = 0
    encoding: Annotated[
        Literal["utf-8", "utf-8-sig", "utf-16", "latin-1", "gzip"],
        "2",
        "how JSON becomes bytes; utf-8-sig begins with a byte order mark",
    ] = "utf-8"
    expired_status: Annotated[
        Literal[401, 403, 400, 302],
        "1",
        "status for a missing, wrong or expired session; 400 comes with the code -2, 302 names a web page",
    ] = 401
    refused_login_status: Annotated[Literal[401, 403, 400], "1", "status for a wrong customer token"] = 401
    refusal_body: Annotated[Literal["json", "html", "empty"], "1", "body of a refused login or session"] = "json"
    past_the_end: Annotated[Nothing, "3", "answer to a page after the last one"] = "204"
    no_hits: Annotated[Nothing, "2", "answer to a search that finds nothing"] = "204"
    page_zero: Annotated[Literal["first", "all", "400"], "3", "page 0 is page 1, or everything, or an error"] = "first"
    page_size_cap: Annotated[int | None, "3", "largest page; more is silently cut down to it"] = None
    ignores_paging: Annotated[
        bool | Literal["some"], "3", "every page is the whole answer; some is of all entities but users"
    ] = False
    unpaged: Annotated[
        Literal["whole", "404", "400", "hundred"], "3", "answer to a search without pages; hundred is its first rows"
    ] = "whole"
    organisation_paging: Annotated[bool, "4", "`Organisation/Search/{page}/{size}` exists"] = True
    framework_template_paging: Annotated[bool, "4", "`FrameworkTemplate/Search/{page}/{size}` exists"] = False
    order: Annotated[
        Literal["by-id", "by-name", "shuffled", "unstable"],
        "3",
        "order of a search; shuffled is always the same, unstable is new for every call",
    ] = "by-id"
    paged_rows: Annotated[
        Literal["rich", "thin", "dated"],
        "3",
        "a page's rows have all fields, or only the least, or LastModified beside it",
    ] = "rich"
    detail_in_search: Annotated[
        Literal["thin", "rich"], "4", "the same of a page of reviews or plans; thin too if `paged_rows` says so"
    ] = "thin"
    date_style: Annotated[
        Literal["z", "z-millis", "offset", "naive", "ticks"],
        "6",
        "spelling of a moment: fraction if any, always three digits, UK time with its offset,"
        " UTC without a mark, always seven digits",
    ] = "z"
    absent_values: Annotated[
        Literal["mixed", "missing", "null", "empty"],
        "6",
        "how a field without data is sent; mixed is any of the others, the same every time",
    ] = "mixed"
    sentinels: Annotated[bool, "6", "1900-01-01 and id 0 stand for nothing, beside null"] = True
    booleans: Annotated[Literal["json", "text"], "6", 'true, or "true"'] = "json"
    codes_as_numbers: Annotated[bool, "6", "codes of digits, such as a ULN, are sent as 1234567890.0"] = False
    ids_as_text: Annotated[bool, "6", "ids are sent as strings"] = False
    unknown_fields: Annotated[_Number, "6", "how many fields a row has that nobody has described"] = 0
    last_modified: Annotated[Literal["present", "sometimes", "absent"], "6", "rows have LastModified"] = "present"
    last_modified_inclusive: Annotated[bool, "4", "the LastModified filter finds the very moment too"] = True
    unsupported_roles: Annotated[
        Literal["empty", "rows", "400"], "4", "answer to a search for a role that the vendor doesn't call supported"
    ] = "empty"
    ignored_filter: Annotated[
        Literal["none", "OrganisationID", "Role"], "4", "a filter that makes no difference to a search"
    ] = "none"
    role_required: Annotated[bool, "4", "a search of users without a Role is an error"] = False
    name_match: Annotated[Literal["exact", "contains"], "4", "how name filters compare; case never matters"] = "exact"
    archived_by_id: Annotated[bool, "4", "`GET User/{id}` finds archived learners"] = True
    archived_portfolios: Annotated[bool, "4", "searches find the reviews, plans and aims of archived learners"] = True
    learning_without_user: Annotated[
        Literal["all", "nothing", "400"],
        "4",
        "a search of learning aims without a UserID is one of the whole customer, or of nobody, or an error",
    ] = "all"
    review_window: Annotated[
        Literal["scheduled", "completed"],
        "4",
        "the date of a review that DateFrom and DateTo test: ScheduledFor, or LearnerSignedOn",
    ] = "scheduled"
    date_to_inclusive: Annotated[bool, "4", "a DateTo finds the very moment too"] = True
    no_off_the_job: Annotated[Literal["204", "404"], "4", "answer for a learner without off-the-job hours"] = "204"
    otj_bumps_last_modified: Annotated[bool, "4", "off-the-job hours that grow move the learner's LastModified"] = False
    progress_bumps_last_modified: Annotated[bool, "4", "Progress that grows moves the learner's LastModified"] = True
    clock_ahead_minutes: Annotated[
        _Number, "4", "how far the clock that stamps LastModified is ahead of the world's"
    ] = 0
    missing_id_status: Annotated[Literal[404, 400], "7", "status of GET for an id that is not there"] = 404
    retry_after: Annotated[RetryAfter | None, "7", "Retry-After on a 429, in this spelling"] = None

    def __post_init__(self) -> None:
        """Refuse an answer that is none."""
        for name, options in choices().items():
            value = getattr(self, name)
            if not any(_is_choice(value, option) for option in options):
                raise ValueError(f"{name} can be {', '.join(map(spelled, options))}, not {value!r}")

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
    return text  # which is refused, with what it can be
