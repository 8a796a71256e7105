"""Everything that ends a run, or a part of one, as one tree of exceptions that carry data.

``str(error)`` is the sentence for the user, made from the data: what happened, then what to do. No sentence ever holds
a response body, a token or a personal value. What has to be said otherwise, such as that a stream is empty, is worded
from the data where it is reported.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import dataclass_transform, override

_CODES = {-11: "centre not found", -57: "placement not found", -58: "classroom not found"}
"""What OneFile's error codes mean, as far as they are known (API reference, section 7)."""
_KILLED_BY = 128
"""What a shell adds to the number of the signal that ended a process."""


class OneFileError(Exception):
    """Something that a run cannot go on from."""

    exit_status = 1
    sentence: ClassVar[str] = ""
    """The text, with `{0.name}` for each piece of data; empty where an error is made from its text."""


@dataclass_transform(eq_default=False)
class WordedError(OneFileError):
    """Something whose text is a sentence about its data."""

    @override
    def __init_subclass__(cls) -> None:
        dataclass(eq=False)(cls)

    @override
    def __str__(self) -> str:
        return self.sentence.format(self)


class SettingsError(OneFileError):
    """A setting is missing, out of range, or contradicts what OneFile holds."""


class IncompleteRun(OneFileError):
    """Something could not be read while the rest was."""


class TargetGone(OneFileError):
    """Nobody reads what the tap writes any more."""


class Interrupted(WordedError):
    """A signal stopped the run before it was finished."""

    sentence = (
        "The run was stopped by {0.signal} before it was finished. What was sent is right, but not all there is: run"
        " again."
    )

    def __init__(self, signum: int) -> None:
        self.signal = signal.Signals(signum).name
        self.exit_status = _KILLED_BY + signum


class LoginRefused(WordedError):
    """OneFile did not accept the customer token."""

    status: int
    host: str
    sentence = (
        "OneFile at {0.host} refused the customer token (status {0.status}). A token works in one environment only:"
        " check the settings customer_token and environment (or api_url), or ask OneFile support, as a Centre Manager,"
        " for a token for this environment."
    )


class NotFound(WordedError):
    """There is nothing at a path: no such record, or no such list or search at all."""

    call: str
    host: str
    answer: str = "404"
    """What came: a status, or in words that there was nothing."""
    sentence = (
        "{0.host} has nothing ({0.answer}) at {0.call}, which the OneFile API has. Check the setting api_url: it must"
        " end with the version, as in https://wsapi.onefile.co.uk/api/v2.1, or be left out in favour of environment."
    )

    @property
    def is_refusal(self) -> bool:
        """Whether OneFile answered with an error, and not with nothing."""
        return self.answer.isdecimal()


class WrongAddress(OneFileError):
    """What every OneFile API has is not there: something else answers at this address."""

    def __init__(self, answer: NotFound | Redirected) -> None:
        super().__init__(str(answer))


class Unavailable(WordedError):
    """OneFile gave no usable answer for as long as we were ready to wait."""


class GaveUp(Unavailable):
    """A call failed again and again."""

    call: str
    host: str
    what: str
    """What came in place of an answer, the last time."""
    tries: int
    seconds: float
    wait: float = 0.0
    """Seconds that OneFile asked us to wait, the last time."""
    is_silence: bool = False
    """Whether nothing that could be called an answer came, the last time."""
    sentence = (
        "No answer to {0.call} from {0.host}: {0.story}. Check the network and the setting api_url or environment, and"
        " run again later (OneFile is often down from 07:00 to 07:30 UK time on release days); the setting retry_for"
        " makes a run wait longer."
    )

    @property
    def story(self) -> str:
        """How often the call was made, and what came."""
        times = "once" if self.tries == 1 else f"{self.tries} times in {self.seconds:.0f} s"
        asked = f", and was asked to wait for {self.wait:.0f} s" if self.wait else ""
        return f"tried {times}, got {self.what}{asked}"


class RateLimited(Unavailable):
    """OneFile has refused every call over its limit for too long."""

    host: str
    minutes: float
    sentence = (
        '{0.host} has answered nothing but "too many requests" (429) for {0.minutes:.0f} minutes. Something else is'
        " using up your customer's calls: find it, or run at another time."
    )


class Refused(WordedError):
    """One part of the run cannot be read, while others still may be."""


class AccessRefused(Refused):
    """A call is refused although the login was accepted."""

    call: str
    status: int
    sentence = (
        "{0.call} was refused (status {0.status}) right after a fresh login. Ask OneFile support to allow your customer"
        " token to read it, or deselect the stream."
    )


class Redirected(Refused):
    """A call is to be made elsewhere, which would carry the session, or the token, there."""

    call: str
    status: int
    host: str
    sentence = (
        "{0.host} answers {0.call} with a redirect (status {0.status}), which is not followed, as it would carry the"
        " token elsewhere. Check the setting api_url; if it is right, run again later, and report it if it persists."
    )


class QuestionRefused(Refused):
    """OneFile finds fault with what a call asks.

    OneFile's own words are not shown: nothing says that they do not repeat what was asked, or name a person.
    """

    call: str
    status: int
    code: int | None
    sentence = (
        "OneFile did not accept {0.call} (status {0.status}: {0.reason}). Repeating it would not help: check the"
        " settings organisation_ids and start_date, and report it if they are right."
    )

    @property
    def reason(self) -> str:
        """What the code means, in words."""
        meaning = f", {_CODES[self.code]}" if self.code in _CODES else ""
        return "no reason given" if self.code is None else f"OneFile's code {self.code}{meaning}"


class CallFailed(Refused):
    """One call failed again and again, while OneFile answered others."""

    failure: GaveUp
    sentence = (
        "{0.failure.call} failed while {0.failure.host} answers other calls: {0.failure.story}. To get the rest, run"
        " again later (OneFile is often down from 07:00 to 07:30 UK time on release days), and report it to OneFile"
        " support if it persists."
    )


class CallsFailed(Refused):
    """Some of what is asked for record by record, or learner by learner, could not be read, and all else was sent."""

    first: Refused
    count: int
    sentence = "{0.first} {0.how_many}; what all others gave was sent."

    @property
    def how_many(self) -> str:
        """How many calls failed, in words."""
        return "This one failed" if self.count == 1 else f"{self.count} failed like this"


class UnreadableAnswer(Refused):
    """A call is answered, twice, in a shape that it does not have."""

    call: str
    what: str
    sentence = (
        "OneFile answered {0.call} with {0.what}, twice. This version of tap-onefile cannot read that: please report"
        " it, and deselect the stream until it is fixed."
    )


class MissingPage(Refused):
    """A page is not there although its search has more rows."""

    call: str
    sentence = "OneFile answers {0.call} with 404 although it has this search. Run again, and report it if it persists."


class RepeatedPage(Refused):
    """A search keeps answering with rows that it has already given, so its end cannot be found."""

    search: str
    sentence = (
        "OneFile gives the same rows page after page for {0.search}, so the end of the search cannot be found and rows"
        " may be missing. Run again, and report it if it persists."
    )


class MissingRows(Refused):
    """Rows of a search did not come, or nothing shows that they did."""

    search: str
    missing: int
    """0 where it is not known."""
    sentence = (
        "{0.how_many} of {0.search} did not come: they may have moved from page to page while they were read, or"
        " OneFile left them out. Run again, at a time when fewer people work in OneFile, and report it if it persists."
    )

    @property
    def how_many(self) -> str:
        """How many rows, in words."""
        return f"{self.missing} rows" if self.missing else "Some rows"


class ForeignRows(Refused):
    """An answer holds rows that were not asked for."""

    search: str
    owner: str
    """The field that says whose rows are asked for."""
    sentence = (
        "OneFile answers the search for {0.search} with rows of another {0.owner} than it was asked for, so that"
        " nothing shows whose they are. They were left out: run again, and report it if it persists."
    )


class NoOrganisations(Refused):
    """The customer has no organisation, although every customer has (help article 76000048013)."""

    sentence = (
        "OneFile lists no organisation for the customer, so nothing of any organisation was read. Run again, and ask"
        " OneFile support to let your customer token see your organisations if it persists."
    )


class NoDetails(Refused):
    """More of the records that a search lists are not there by their ids than chance explains."""

    stream: str
    missing: int
    rows: int
    sentence = (
        "OneFile has {0.found} of {0.rows} {0.stream} by their ids, although its search lists them. Run again, and take"
        " {0.stream} out of the setting fetch_details if it persists."
    )

    @property
    def found(self) -> str:
        """How many there are, in words."""
        return "none" if self.missing == self.rows else f"only {self.rows - self.missing}"


class NoData(Refused):
    """More learners have nothing of a stream than chance explains."""

    stream: str
    missing: int
    learners: int
    sentence = (
        "OneFile answers 404 for {0.stream} of {0.missing} of {0.learners} learners, which looks like a fault of its"
        " own. Run again, and deselect {0.stream} if it persists."
    )


class UnusableRow(Refused):
    """A row has no usable key, so that nothing can tell it from other rows."""

    stream: str
    key: str
    sentence = (
        "OneFile sent a row of {0.stream} without a usable {0.key}, so it cannot be identified and the stream stops."
        " Please report this, and deselect the stream until it is fixed."
    )


class SharedKey(Refused):
    """A list has different rows with one key, so that one would be taken for the other."""

    stream: str
    key: str
    sentence = (
        "OneFile sent a list of {0.stream} in which different rows have the same {0.key}, so they cannot be told apart."
        " The list was left out: please report this, and deselect the stream until it is fixed."
    )


class UnknownObject(Refused):
    """An answer has none of the fields that its stream knows."""

    stream: str
    sentence = (
        "OneFile sent something else in place of {0.stream}: no field of it is known. Run again, and report it if it"
        " persists."
    )


@dataclass(eq=False)
class Fault(Exception):
    """A passing failure of one call; never leaves the client."""

    what: str
    """What came in place of an answer, in words that follow "got"."""
    retry_after: float | None = None
    """Seconds that OneFile asked us to wait, if it did."""
    is_answer: bool = True
    is_other_shape: bool = False
    """Whether the answer is whole, and yet of another shape than the call has."""
