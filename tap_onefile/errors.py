"""What each answer of OneFile means, what is done about it, and what the user is told.

The sentences follow one pattern: what happened, then what to do. None of them ever holds a response body, a token
or a personal value.
"""

from __future__ import annotations

import enum
from http import HTTPStatus

RELEASES = "OneFile is often down from 07:00 to 07:30 UK time on release days"


_CODES = {-11: "centre not found", -57: "placement not found", -58: "classroom not found"}
"""What OneFile's error codes mean, as far as they are known (API reference, section 7)."""


class OneFileError(Exception):
    """Something that a run cannot go on from; its text is the sentence for the user."""

    exit_status = 1


class SettingsError(OneFileError):
    """A setting is missing, out of range, or contradicts what OneFile holds."""


class LoginRefused(OneFileError):
    """OneFile did not accept the customer token."""


class WrongAddress(OneFileError):
    """What answers at the address is not the OneFile API."""


class Unavailable(OneFileError):
    """OneFile gave no usable answer for as long as we were ready to wait."""


class UnusableRecord(OneFileError):
    """A record has no usable key."""


class IncompleteRun(OneFileError):
    """Something could not be read while the rest was."""


class TargetGone(OneFileError):
    """Nobody reads what the tap writes any more."""


class Refused(OneFileError):
    """OneFile refuses one call for good, while others may still be answered."""


class RepeatedPage(Refused):
    """A search keeps answering with records that it has already given, so its end cannot be found."""


class MovedRows(Refused):
    """Rows of a search were missed as they moved from page to page."""


class QuestionRefused(Refused):
    """OneFile finds fault with what a call asks."""


class NotFound(OneFileError):
    """There is nothing at this path: no such record, or no such list or search at all."""


class Fault(Exception):
    """A passing failure of one call.

    Args:
        what: What came in place of an answer, in words that follow "got".
        retry_after: Seconds that OneFile asked us to wait, if it did.
        is_answer: Whether a server answered at all.
        is_other_shape: Whether the answer is whole, and yet of another shape than the call has.
    """

    def __init__(
        self,
        what: str,
        retry_after: float | None = None,
        *,
        is_answer: bool = True,
        is_other_shape: bool = False,
    ) -> None:
        super().__init__(what)
        self.is_other_shape = is_other_shape
        self.what = what
        self.retry_after = retry_after
        self.is_answer = is_answer


class Action(enum.Enum):
    """What the client does with an answer."""

    READ = enum.auto()
    LOG_IN_AGAIN = enum.auto()
    SLOW_DOWN = enum.auto()
    REPEAT = enum.auto()
    NOT_FOUND = enum.auto()
    REFUSED = enum.auto()
    REDIRECTED = enum.auto()


_ACTIONS = {
    HTTPStatus.NON_AUTHORITATIVE_INFORMATION: Action.READ,
    HTTPStatus.NO_CONTENT: Action.READ,
    HTTPStatus.UNAUTHORIZED: Action.LOG_IN_AGAIN,
    HTTPStatus.FORBIDDEN: Action.LOG_IN_AGAIN,
    HTTPStatus.NOT_FOUND: Action.NOT_FOUND,
    HTTPStatus.REQUEST_TIMEOUT: Action.REPEAT,
    HTTPStatus.TOO_MANY_REQUESTS: Action.SLOW_DOWN,
}


def action_for(status: int) -> Action:
    """Look up what to do with an answer.

    Args:
        status: The HTTP status code.

    Returns:
        The action, which depends on the status alone.
    """
    if status in _ACTIONS:
        return _ACTIONS[HTTPStatus(status)]
    # Whatever else calls itself a success, such as a part of an answer, is not what was asked for.
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or HTTPStatus.OK < status < HTTPStatus.MULTIPLE_CHOICES:
        return Action.REPEAT
    if status >= HTTPStatus.BAD_REQUEST:
        return Action.REFUSED
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        return Action.REDIRECTED
    return Action.READ


def login_refused(status: int, host: str) -> LoginRefused:
    """Say that the customer token was not accepted.

    Args:
        status: The HTTP status code of the login.
        host: The host that was asked.

    Returns:
        The error to raise.
    """
    return LoginRefused(
        f"OneFile at {host} refused the customer token (status {status}). A token works in one environment only: check"
        " the settings customer_token and environment (or api_url), or ask OneFile support, as a Centre Manager, for a"
        " token for this environment.",
    )


def access_refused(call: str, status: int) -> Refused:
    """Say that a call is refused although the login was accepted.

    Args:
        call: The method and path.
        status: The HTTP status code.

    Returns:
        The error to raise.
    """
    return Refused(
        f"{call} was refused (status {status}) right after a fresh login. Ask OneFile support to allow your customer"
        " token to read it, or deselect the stream.",
    )


def other_shape(call: str, what: str) -> Refused:
    """Say that a call is answered in a shape that we cannot read.

    Args:
        call: The method and path.
        what: What came.

    Returns:
        The error to raise.
    """
    return Refused(
        f"OneFile answers {call} with {what}, twice. This version of tap-onefile cannot read that: please report it,"
        " and deselect the stream until it is mended.",
    )


def question_refused(call: str, status: int, code: int | None) -> QuestionRefused:
    """Say that OneFile finds fault with a call.

    OneFile's own words are not shown: nothing says that they do not repeat what was asked, or name a person.

    Args:
        call: The method and path.
        status: The HTTP status code.
        code: OneFile's own error code, if it sent one.

    Returns:
        The error to raise.
    """
    reason = "no reason given" if code is None else f"OneFile's code {code}"
    if code in _CODES:
        reason += f", {_CODES[code]}"
    return QuestionRefused(
        f"OneFile did not accept {call} (status {status}: {reason}). Repeating it would not help: check the settings"
        " organisation_ids and start_date, and report it if they are right.",
    )


def missing_page(call: str) -> Refused:
    """Say that a page is not there although the search has more rows.

    Args:
        call: The method and path.

    Returns:
        The error to raise.
    """
    return Refused(
        f"OneFile answers {call} with 404 although its search seems to have more rows. Run again, and report it if it"
        " persists.",
    )


def not_found(call: str, host: str, came: str = "404") -> NotFound:
    """Say that the host has nothing at a path.

    Args:
        call: The method and path.
        host: The host that was asked.
        came: What the host answered.

    Returns:
        The error to raise.
    """
    return NotFound(
        f"{host} has nothing ({came}) at {call}, which the OneFile API has. Check the setting api_url: it must end with"
        " the version, as in https://wsapi.onefile.co.uk/api/v2.1, or be left out in favour of environment.",
    )


def not_an_api(call: str, host: str) -> WrongAddress:
    """Say that the host does not know the login, which every OneFile API has.

    Args:
        call: The method and path.
        host: The host that was asked.

    Returns:
        The error to raise.
    """
    return WrongAddress(str(not_found(call, host)))


def redirected(call: str, status: int, host: str) -> WrongAddress:
    """Say that the host wants to send us elsewhere, which would carry the token there.

    Args:
        call: The method and path.
        status: The HTTP status code.
        host: The host that was asked.

    Returns:
        The error to raise.
    """
    return WrongAddress(
        f"{host} answers {call} with a redirect (status {status}), which is not followed as it would carry the token"
        " elsewhere. Check the setting api_url.",
    )


def gave_up(call: str, host: str, what: str, tries: int, seconds: float) -> Unavailable:
    """Say that a call failed again and again.

    Args:
        call: The method and path.
        host: The host that was asked.
        what: What came in place of an answer, the last time.
        tries: How often the call was made.
        seconds: For how long it was repeated.

    Returns:
        The error to raise.
    """
    times = "once" if tries == 1 else f"{tries} times in {seconds:.0f} s"
    return Unavailable(
        f"No answer to {call} from {host}: tried {times}, got {what}. Check the network and the setting api_url or"
        f" environment, and run again later ({RELEASES}); the setting retry_for makes a run wait longer.",
    )


def starved(host: str, seconds: float) -> Unavailable:
    """Say that OneFile has refused every call over its limit for too long.

    Args:
        host: The host that was asked.
        seconds: For how long there was no good answer.

    Returns:
        The error to raise.
    """
    return Unavailable(
        f"{host} has answered nothing but «too many requests» (429) for {seconds / 60:.0f} minutes. Something else is"
        " spending your customer's calls: find it, or run at another time.",
    )
