"""The calls that find out how OneFile answers, and what came of each; at most sixty, and each of them a read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from typing_extensions import override

from tap_onefile import errors
from tap_onefile.api.client import CUSTOMER, Action, action_for
from tap_onefile.api.decode import Rows
from tap_onefile.api.transport import LOGIN, Transport, is_plain_path
from tap_onefile.extract.query import NOBODY, normalised
from tap_onefile.records.convert import in_milliseconds, to_timestamp
from tap_onefile.reporting.metrics import Tally
from tap_onefile.streams import STREAMS
from tap_onefile.streams.organisations import Customers, Organisations, chosen, id_of
from tap_onefile.streams.people import Learners, UserStream
from tap_onefile.streams.kinds import PerLearnerStream
from tap_onefile.streams.qualifications import Standards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_onefile.api.client import Client
    from tap_onefile.api.transport import Answer
    from tap_onefile.settings import Settings
    from tap_onefile.streams.base import OneFileStream

    Row = dict[str, Any]

MOST_CALLS = 60
LARGE = 1000
"""Rows of the largest page that the tap can be set to ask for."""
SMALL = 2
"""Rows of a page of which even a small customer has two."""

PAGE, UNPAGED, RECORD, LIST = "page", "unpaged", "record", "list"
LEARNERS, ARCHIVED, ASSESSORS, AIMS = "learners", "archived_learners", "assessors", "learning_aims"
ROWS, OTHER_SHAPE, NO_ANSWER = "rows", "something else than rows", "no answer"
EMPTY_BODY = "an empty body"
NOTHING_THERE = frozenset({"204", "[]", "null", EMPTY_BODY})
"""The forms in which an answer says that there are no rows."""

_MOST_ORGANISATIONS = 4
"""Organisations that are searched for learners."""
_MOST_LEARNERS = 2
"""Learners who are asked for what each has of their own."""
_FAR = 9_999
"""A page that no search has, where nothing tells how many it has."""
_MILLISECONDS = "000Z"
"""The end of a timestamp that a search can be narrowed by to the very moment."""
_ENOUGH = 1 << 22
"""Bytes."""
_DEAD_SESSION = {"X-TokenID": "no-session"}
_MARKS = {b"\xef\xbb\xbf": "UTF-8 with a byte order mark", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


class Spent(errors.OneFileError):
    """As many calls were made as may be."""


class Recorder(Transport):
    """Counts the calls, and notes of each answer what is lost where it is read."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - the transport's
        super().__init__(*arguments, **options)
        self.calls = 0
        self.logins = 0
        self.last: Answer | None = None
        self.session = ""
        """What surrounds the session in the answer to a login; a blank for any white space."""
        self.encodings: set[str] = set()
        self.limited: list[float | None] = []
        """What Retry-After said, in seconds, whenever calls were too many."""
        self.ends_session = False
        """Whether the next call is made with a session that there is not."""
        self.dead_session = ""
        """The status that such a call was answered with."""

    @override
    def exchange(self, method: str, path: str, *, headers: Mapping[str, str], **options: Any) -> Answer:
        if self.calls >= MOST_CALLS:
            raise Spent
        self.calls += 1
        self.last = None
        is_dead, self.ends_session = self.ends_session, False
        answer = super().exchange(method, path, headers=_DEAD_SESSION if is_dead else headers, **options)
        self.last = answer
        if is_dead:
            self.dead_session = str(answer.status)
        if action_for(answer.status) is Action.SLOW_DOWN:
            self.limited.append(answer.retry_after)
        if action_for(answer.status) is Action.READ and answer.content:
            self.encodings.add(_encoding_of(answer.content))
            if path == LOGIN:
                self.logins += 1
                self.session = re.sub(r"\s+", " ", re.sub(r"[^\s\"]", "", answer.content.decode(errors="ignore")))
        return answer


class Reply(NamedTuple):
    """What came of one question: rows, or how it was said that there are none."""

    rows: list[Row]
    answer: str
    """`rows`, the form of an answer without any, the status of a refusal, or in words what came."""


@dataclass
class Seen:
    """Everything that came."""

    page_size: int
    replies: dict[tuple[str, str], Reply] = field(default_factory=dict)
    """By stream, or what was tried out with learners, and the form that was asked for."""
    since: str = ""
    """The moment by which learners were narrowed."""

    def rows(self, stream: str, form: str) -> list[Row]:
        """Return the rows of a reply."""
        return self.replies[stream, form].rows if (stream, form) in self.replies else []

    def answer(self, stream: str, form: str) -> str:
        """Return how a question was answered; nothing where it was not asked."""
        return self.replies[stream, form].answer if (stream, form) in self.replies else ""

    def ids(self, stream: str, form: str) -> list[Any]:
        """Return the ids of the rows of a reply, in their order."""
        return [normalised(row.get("ID")) for row in self.rows(stream, form)]


class Probes:
    """Asks, the most telling questions first."""

    def __init__(self, client: Client, recorder: Recorder, settings: Settings, began: str) -> None:
        self._client = client
        self._recorder = recorder
        self._wanted = settings.organisation_ids
        self._began = began
        self._context: dict[type, dict[str, Any]] = {}
        self.seen = Seen(settings.page_size)
        self.failure: errors.OneFileError | None = None
        """What ended the calls before all were made."""

    def ask_all(self) -> Seen:
        """Make the calls. Raises `OneFileError` where not even the customer and its organisations can be read."""
        self._find_organisations()
        try:
            for step in self._steps():
                step()
        except Spent:
            pass
        except errors.OneFileError as failure:
            self.failure = failure
        return self.seen

    def _steps(self) -> Iterator[Callable[[], object]]:
        yield from (self._find_learners, self._try_pages, self._try_filters)
        by_name = {str(stream.name): stream for stream in STREAMS}
        first = (ARCHIVED, ASSESSORS, "learner_statuses", "learning_aim_statuses", "assigned_standards", "reviews")
        second = ("plans", AIMS, "off_the_job", "timesheets", "unit_summaries", "standards", "framework_templates")
        for name in dict.fromkeys([*first, *second, *by_name]):
            stream = by_name[name]
            if stream.selected_by_default or name in (*first, *second):
                yield partial(self._try, stream)
        yield from (self._try_absences, self._try_dead_session)
        for form, streams in self._what_is_left(by_name).items():
            yield from (partial(self._ask_for, stream, form) for stream in streams)

    def _what_is_left(self, by_name: Mapping[str, type[OneFileStream]]) -> dict[str, list[type[OneFileStream]]]:
        """Return what is asked for as long as there are calls."""
        searched = [stream for stream in by_name.values() if not stream.path]
        return {
            UNPAGED: [stream for stream in searched if not issubclass(stream, UserStream)],
            PAGE: [stream for stream in searched if not stream.selected_by_default],
            RECORD: [Organisations],
        }

    # What is there to ask for.

    def _find_organisations(self) -> None:
        """Find the customer and its organisations, without which nothing else can be asked."""
        customer = self._client.get(CUSTOMER)
        self.seen.replies["customers", RECORD] = Reply([customer], ROWS)
        self._context[Customers] = {"CustomerID": id_of(customer)}
        self._ask_for(Organisations, PAGE)
        self._ask_for(Organisations, UNPAGED)
        rows = [
            row for form in (PAGE, UNPAGED) for row in self.seen.rows("organisations", form) if id_of(row) is not None
        ]
        if not rows:
            raise errors.NoOrganisations
        rows = rows if self._wanted is None else chosen(rows, self._wanted)
        self._organisations = list(dict.fromkeys(map(id_of, rows)))
        self._context[Organisations] = {"OrganisationID": self._organisations[0]}

    def _find_learners(self) -> None:
        """Find an organisation with learners."""
        candidates = self._organisations
        if len(candidates) > _MOST_ORGANISATIONS and self._wanted is None:
            # A search of all of them, which tells in one call who has learners, if rows say whose they are.
            anywhere = self._search("User", {"Role": 1}, page=1, size=self.seen.page_size).rows
            named = [normalised(row.get("OrganisationID")) for row in anywhere]
            candidates = sorted(candidates, key=lambda each: -named.count(each))
        best = Reply([], "")
        for organisation in candidates[:_MOST_ORGANISATIONS]:
            filters = {"OrganisationID": organisation, "Role": 1}
            reply = self._search("User", filters, page=1, size=self.seen.page_size)
            if not best.answer or len(reply.rows) > len(best.rows):
                best, self._context[Organisations] = reply, {"OrganisationID": organisation}
            if len(best.rows) >= SMALL or reply.answer not in NOTHING_THERE:
                break
        self.seen.replies[LEARNERS, PAGE] = best
        self._ask_for(Learners, UNPAGED)
        self._ask_for(Learners, RECORD)

    def _try(self, stream: type[OneFileStream]) -> None:
        """Ask for a stream in the forms that tell most."""
        name = str(stream.name)
        if (name, PAGE) in self.seen.replies or name == "customers":
            return
        if issubclass(stream, PerLearnerStream):
            for learner in self._learners()[:_MOST_LEARNERS]:
                self._context[PerLearnerStream] = {"learner": learner}
                self._ask_for(stream, LIST)
                if self.seen.rows(name, LIST):
                    return
        elif stream.path:
            self._ask_for(stream, LIST)
        else:
            self._ask_for(stream, PAGE)
            if self.seen.answer(name, PAGE) == "404" or name in {"reviews", ASSESSORS}:
                self._ask_for(stream, UNPAGED)
            if stream.has_details and (name in {ASSESSORS, ARCHIVED} or not issubclass(stream, UserStream)):
                self._ask_for(stream, RECORD)

    # Questions about paging, filters and absences, put to learners.

    def _try_pages(self) -> None:
        seen = self.seen
        if not (page := seen.rows(LEARNERS, PAGE)):
            return
        self._ask_learners("small", 1, SMALL)
        # Where pages are as long as they like, no more of them are asked for than must be.
        if len(seen.rows(LEARNERS, "small")) <= SMALL:
            self._ask_learners("second", 2, SMALL)
            if len(page) >= seen.page_size:
                self._ask_learners("large", 1, LARGE)
            self._ask_learners("page 0", 0, SMALL, is_odd=True)
        total = max(len(seen.rows(LEARNERS, form)) for form in (UNPAGED, "large"))
        last = -(-total // min(len(page), seen.page_size)) if total >= len(page) else _FAR
        self._ask_learners("past the end", last + 1, seen.page_size)

    def _try_filters(self) -> None:
        seen = self.seen
        stamps = sorted(filter(None, (_timestamp(row) for row in seen.rows(LEARNERS, PAGE))))
        exact = [stamp for stamp in stamps if stamp.endswith(_MILLISECONDS)]
        tomorrow = to_timestamp((datetime.fromisoformat(self._began) + timedelta(days=1)).isoformat())
        seen.since = (exact or [tomorrow])[-1]
        if seen.rows(LEARNERS, PAGE):
            self._ask_learners("modified since", 1, seen.page_size, LastModified=in_milliseconds(seen.since))
            self._ask_learners("of nobody", 1, SMALL, OrganisationID=NOBODY)

    def _ask_learners(self, what: str, page: int, size: int, *, is_odd: bool = False, **filters: object) -> None:
        filters = {**self._context[Organisations], "Role": 1, **filters}
        self.seen.replies[LEARNERS, what] = self._search("User", filters, page=page, size=size, is_odd=is_odd)

    def _try_absences(self) -> None:
        self.seen.replies[LEARNERS, "missing id"] = self._get(f"User/{NOBODY}", str(NOBODY))

    def _try_dead_session(self) -> None:
        self._recorder.ends_session = True
        self._get(CUSTOMER, None)

    # Calls.

    def _learners(self) -> list[int]:
        ids = self.seen.ids(LEARNERS, PAGE) or self.seen.ids(LEARNERS, UNPAGED)
        return [each for each in ids if isinstance(each, int)]

    def _ask_for(self, stream: type[OneFileStream], form: str) -> None:
        """Ask for a stream in a form, unless that was done or the entity does not answer."""
        name = str(stream.name)
        if NO_ANSWER in {self.seen.answer(name, form), self.seen.answer(name, PAGE)} or self.seen.rows(name, form):
            return
        context = next((self._context[kind] for kind in self._context if stream.parent_stream_type is kind), None)
        filters = {} if name == AIMS else {**(context or {}), **stream.row_defaults}
        if name == AIMS and self._wanted is not None:
            # An aim does not say which organisation it belongs to.
            if not (learners := self._learners()):
                return
            filters = {"UserID": learners[0]}
        match form:
            case "page" if context:
                reply = self._search(stream.entity, filters, page=1, size=self.seen.page_size)
            case "unpaged" if context:
                reply = self._search(stream.entity, filters)
            case "record" if rows := self.seen.rows(name, PAGE) or self.seen.rows(name, UNPAGED):
                record_id = str(normalised(rows[0].get("ID")))
                path = f"{stream.entity}/{quote(record_id, safe='')}"
                if record_id in {"", str(None)} or not is_plain_path(f"/{path}"):
                    return
                reply = self._get(path, record_id)
            case "list" if context:
                learner = self._context.get(PerLearnerStream, {})
                path = stream.path.format(id=context["OrganisationID"], **learner)
                is_list = getattr(stream, "is_list", True)
                reply = self._asked(lambda: self._client.get_list(path)) if is_list else self._get(path, None)
            case _:
                return
        self.seen.replies[name, form] = reply
        if stream is Standards and reply.rows:
            self._context[Standards] = {"StandardID": id_of(reply.rows[0])}

    def _search(
        self,
        entity: str,
        filters: Mapping[str, object],
        *,
        page: int | None = None,
        size: int = 0,
        is_odd: bool = False,
    ) -> Reply:
        path = f"{entity}/Search" if page is None else f"{entity}/Search/{page}/{size}"
        if not is_odd:
            return self._asked(lambda: self._client.search(path, filters))
        # A question that may well upset a server is put once, and not again and again.
        return self._asked(lambda: self._client.try_search(path, filters, at_most=_ENOUGH, tally=Tally()))

    def _get(self, path: str, record_id: str | None) -> Reply:
        return self._asked(lambda: Rows([self._client.get(path, record_id=record_id)]))

    def _asked(self, call: Callable[[], Rows | None]) -> Reply:
        try:
            rows = call()
        except errors.NotFound as absence:
            return Reply([], absence.answer if absence.is_refusal else self._form())
        except (errors.AccessRefused, errors.QuestionRefused) as refusal:
            return Reply([], str(refusal.status))
        except errors.UnreadableAnswer:
            return Reply([], OTHER_SHAPE)
        except errors.CallFailed:
            return Reply([], NO_ANSWER)
        return Reply(rows or [], ROWS if rows else self._form())

    def _form(self) -> str:
        """Return how the last answer said that there is nothing."""
        last = self._recorder.last
        if last is None or action_for(last.status) is Action.SLOW_DOWN:
            return NO_ANSWER
        if action_for(last.status) is not Action.READ or last.status == 204:  # noqa: PLR2004 - No Content
            return str(last.status)
        return {b"[]": "[]", b"null": "null", b"": EMPTY_BODY, b'""': EMPTY_BODY}.get(last.content.strip(), OTHER_SHAPE)


def _timestamp(row: Row) -> str:
    try:
        return to_timestamp(row.get("LastModified"))
    except ValueError:
        return ""


def _encoding_of(content: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return encoding
    try:
        content.decode()
    except UnicodeDecodeError:
        return "bytes that are not UTF-8"
    return "UTF-8"
