"""The answers to what nobody outside OneFile knows: one field for each open question."""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Nothing = Literal["204", "empty-body", "[]", "null", "404"]
"""The ways in which a search can say that there is nothing to say."""


def _choice(default: object, *others: object, section: str, says: str) -> Any:  # noqa: ANN401
    """Describe one open question; the default is the likeliest answer."""
    about = {"choices": (default, *others), "section": section, "says": says}
    return field(default=default, metadata=about)


_NOTHING = ("empty-body", "[]", "null", "404")


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How this server settles what the API page leaves open.

    Raises:
        ValueError: When a field has none of the answers that it can have.
    """

    quoted_session: bool = _choice(False, True, section="1", says="the session comes as a JSON string, in quotes")
    session_whitespace: bool = _choice(False, True, section="1", says="line ends stand before and after the session")
    session_content_type: Literal["json", "text"] = _choice(
        "json", "text", section="1", says="the content type that the session is sent as"
    )
    expired_status: Literal[401, 403] = _choice(
        401, 403, section="1", says="status for a missing, wrong or expired session"
    )
    refused_login_status: Literal[401, 403, 400] = _choice(
        401, 403, 400, section="1", says="status for a wrong customer token"
    )
    refusal_body: Literal["json", "html", "empty"] = _choice(
        "json", "html", "empty", section="1", says="body of a refused login or session"
    )
    past_the_end: Nothing = _choice("204", *_NOTHING, section="3", says="answer to a page after the last one")
    no_hits: Nothing = _choice("204", *_NOTHING, section="2", says="answer to a search that finds nothing")
    page_zero: Literal["first", "all", "400"] = _choice(
        "first", "all", "400", section="3", says="page 0 is page 1, or everything, or an error"
    )
    page_size_cap: int | None = _choice(None, int, section="3", says="largest page; more is silently cut down to it")
    ignores_paging: bool = _choice(False, True, section="3", says="every page is the whole answer")
    organisation_paging: bool = _choice(True, False, section="4", says="`Organisation/Search/{page}/{size}` exists")
    order: Literal["by-id", "by-name", "shuffled", "unstable"] = _choice(
        "by-id", "by-name", "shuffled", "unstable", section="3",
        says="order of a search; shuffled is always the same, unstable is new for every call",
    )  # fmt: skip
    paged_rows: Literal["rich", "thin"] = _choice(
        "rich", "thin", section="3", says="a page's rows have all fields, or only the least"
    )
    date_style: Literal["z", "z-millis", "offset", "naive", "ticks"] = _choice(
        "z", "z-millis", "offset", "naive", "ticks", section="6",
        says="spelling of a moment: fraction if any, always three digits, UK time with its offset,"
        " UTC without a mark, always seven digits",
    )  # fmt: skip
    absent_values: Literal["mixed", "missing", "null", "empty"] = _choice(
        "mixed", "missing", "null", "empty", section="6",
        says="how a field without data is told; mixed is any of the others, the same every time",
    )  # fmt: skip
    sentinels: bool = _choice(True, False, section="6", says="1900-01-01 and id 0 stand for nothing, beside null")
    booleans: Literal["json", "text"] = _choice("json", "text", section="6", says='true, or "true"')
    ids_as_text: bool = _choice(False, True, section="6", says="ids are sent as strings")
    last_modified: Literal["present", "sometimes", "absent"] = _choice(
        "present", "sometimes", "absent", section="6", says="rows tell LastModified"
    )
    last_modified_inclusive: bool = _choice(
        True, False, section="4", says="the LastModified filter finds the very moment too"
    )
    unsupported_roles: Literal["empty", "rows", "400"] = _choice(
        "empty", "rows", "400", section="4",
        says="answer to a search for a role that the vendor doesn't call supported",
    )  # fmt: skip
    role_required: bool = _choice(False, True, section="4", says="a search of users without a Role is an error")
    name_match: Literal["exact", "contains"] = _choice(
        "exact", "contains", section="4", says="how name filters compare; case never matters"
    )
    archived_by_id: bool = _choice(True, False, section="4", says="`GET User/{id}` finds archived learners")
    missing_id_status: Literal[404, 400] = _choice(
        404, 400, section="7", says="status of GET for an id that is not there"
    )
    retry_after: Literal["seconds", "date"] | None = _choice(
        None, "seconds", "date", section="7", says="Retry-After on a 429, in this spelling"
    )

    def __post_init__(self) -> None:
        """Refuse an answer that is none."""
        for about in fields(self):
            value = getattr(self, about.name)
            if not any(_is_choice(value, choice) for choice in about.metadata["choices"]):
                message = f"{about.name} can be {choices(about)}, not {value!r}"
                raise ValueError(message)

    @classmethod
    def parse(cls, settings: Iterable[str]) -> Behaviour:
        """Read `name=value` settings, as a command line has them.

        Args:
            settings: The settings; values are spelled as in the README's table.

        Returns:
            The behaviour.

        Raises:
            ValueError: When a name or a value is unknown.
        """
        known = {about.name: about for about in fields(cls)}
        chosen: dict[str, Any] = {}
        for setting in settings:
            name, _, text = setting.partition("=")
            if name not in known:
                message = f"no behaviour is called {name!r}"
                raise ValueError(message)
            chosen[name] = _read(known[name], text)
        return cls(**chosen)


def choices(about: Field[Any]) -> str:
    """Spell out what a field of Behaviour can be."""
    return ", ".join(_spell(choice) for choice in about.metadata["choices"])


def _spell(choice: object) -> str:
    return "a number" if choice is int else str(choice)


def _is_choice(value: object, choice: object) -> bool:
    if choice is int:
        return type(value) is int and value > 0
    # 1 would pass for True and 0 for False.
    return type(value) is type(choice) and value == choice


def _read(about: Field[Any], text: str) -> object:
    for choice in about.metadata["choices"]:
        if choice is int and text.isdecimal():
            return int(text)
        if str(choice).lower() == text.lower():
            return choice
    message = f"{about.name} can be {choices(about)}, not {text!r}"
    raise ValueError(message)
