"""The calls that find out how OneFile answers, and what came of each; at most sixty, and each of them a read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from typing_extensions import override

from tap_onefile import errors
from tap_onefile.api.client import CUSTOMER, Action, action_for
from tap_onefile.api.decode import Rows
from tap_onefile.api.transport import LOGIN, Transport, is_plain_path
from tap_onefile.extract.query import NOBODY, normalised
from tap_onefile.records.convert import attempt, in_milliseconds, to_timestamp
from tap_onefile.reporting.metrics import Tally
from tap_onefile.streams import STREAMS
from tap_onefile.streams.kinds import PerLearnerStream
from tap_onefile.streams.organisations import Customers, Organisations, chosen, id_of
from tap_onefile.streams.people import Learners, UserStream
from tap_onefile.streams.qualifications import Standards

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_onefile.api.transport import Answer
    from tap_onefile.run import Run
    from tap_onefile.streams.base import OneFileStream

    Row = dict[str, Any]

MOST_CALLS = 60
LARGE = 1000
"""Rows of the largest page that the tap can be set to ask for."""
SMALL = 2
"""Rows of a page of which even a small customer has two."""

ROWS, OTHER_SHAPE, NO_ANSWER = "rows", "something else than rows", "no answer"
EMPTY_BODY = "an empty body"
NOTHING_THERE = frozenset({"204", "[]", "null", EMPTY_BODY})
"""The forms in which an answer says that there are no rows."""

_TELLING = (
    "archived_learners", "assessors", "learner_statuses", "learning_aim_statuses", "assigned_standards", "reviews",
    "plans", "learning_aims", "off_the_job", "timesheets", "unit_summaries", "standards", "framework_templates",
)  # fmt: skip
"""The streams that show most besides the learners, in the order in which they are asked for."""
_MOST_ORGANISATIONS = 4
"""Organisations that are searched for learners."""
_MOST_LEARNERS = 2
"""Learners who are asked for what each has of their own."""
_FAR = 9_999
"""A page that no search has, where nothing tells how many it has."""
_MILLISECONDS = "000Z"
"""The end of a timestamp that a search can be narrowed by to the very moment."""
_ENOUGH = 4 << 20
"""Bytes of a list, as in a run."""
_DEAD_SESSION = {"X-TokenID": "no-session"}
_MARKS = {b"\xef\xbb\xbf": "UTF-8 with a byte order mark", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


class _Spent(errors.OneFileError):
    """As many calls were made as may be."""


class Reply(NamedTuple):
    """What came of one question: rows, or how it was said that there are none."""

    rows: list[Row]
    answer: str
    """`rows`, the form of an answer without any, the status of a refusal, or in words what came."""


@dataclass
class Seen:
    """Everything that came. Rows are the learners' where no stream is named, as most questions are put to them."""

    page_size: int
    replies: dict[tuple[str, str], Reply] = field(default_factory=dict)
    """By stream, and the form that was asked for (`page`, `unpaged`, `record`, `list`) or what was tried out."""
    since: str = ""
    """The moment by which learners were narrowed."""
    calls: int = 0
    logins: int = 0
    session: str = ""
    """What surrounds the session in the answer to a login; a blank for any white space."""
    dead_session: str = ""
    """The status that a call in a session that does not exist was answered with."""
    encodings: set[str] = field(default_factory=set)
    limited: list[float | None] = field(default_factory=list)
    """What Retry-After said, in seconds, whenever calls were too many."""
    failure: errors.OneFileError | None = None
    """What ended the calls before all were made."""

    def rows(self, form: str, stream: str = "learners") -> list[Row]:
        """Return the rows of a reply."""
        return self.replies[stream, form].rows if (stream, form) in self.replies else []

    def answer(self, form: str, stream: str = "learners") -> str:
        """Return how a question was answered; nothing where it was not asked."""
        return self.replies[stream, form].answer if (stream, form) in self.replies else ""

    def ids(self, form: str, stream: str = "learners") -> list[Any]:
        """Return the ids of the rows of a reply, in their order."""
        return [normalised(row.get("ID")) for row in self.rows(form, stream)]


class _Recorder(Transport):
    """Counts the calls, and notes of each answer what is lost where it is read."""

    def __init__(self, seen: Seen, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - the transport's
        super().__init__(*arguments, **options)
        self._seen = seen
        self.last: Answer | None = None
        self.ends_session = False
        """Whether the next call is made in a session that does not exist."""

    @override
    def exchange(self, method: str, path: str, *, headers: Mapping[str, str], **options: Any) -> Answer:
        seen = self._seen
        if seen.calls >= MOST_CALLS:
            raise _Spent
        seen.calls += 1
        self.last = None
        is_dead, self.ends_session = self.ends_session, False
        answer = super().exchange(method, path, headers=_DEAD_SESSION if is_dead else headers, **options)
        self.last = answer
        if is_dead:
            seen.dead_session = str(answer.status)
        if action_for(answer.status) is Action.SLOW_DOWN:
            seen.limited.append(answer.retry_after)
        if action_for(answer.status) is Action.READ and answer.content:
            seen.encodings.add(_encoding_of(answer.content))
            if path == LOGIN:
                seen.logins += 1
                seen.session = re.sub(r"\s+", " ", re.sub(r"[^\s\"]", "", answer.content.decode(errors="ignore")))
        return answer


class Probes:
    """Asks, the most telling questions first."""

    def __init__(self, run: Run) -> None:
        settings = run.settings
        self.seen = Seen(settings.page_size)
        self._recorder = _Recorder(
            self.seen, settings.api_url, user_agent=settings.user_agent, timeout=settings.request_timeout
        )
        self._client = run.client(self._recorder)
        self._client.distinguishes_null = True
        self._wanted = settings.organisation_ids
        self._began = run.began
        self._contexts: dict[object, dict[str, Any]] = {}
        """What is asked for of each stream that has child streams."""

    def ask_all(self) -> Seen:
        """Make the calls. Raises `OneFileError` where not even the customer and its organisations can be read."""
        organisations = self._find_organisations()
        try:
            self._find_learners(organisations)
            self._try_pages()
            self._try_filters()
            telling = [stream for name in _TELLING for stream in STREAMS if stream.name == name]
            usual = [stream for stream in STREAMS if stream.selected_by_default and stream not in telling]
            for stream in (*telling, *usual):
                self._try(stream)
            self._try_absences()
            self._ask_for_the_rest()
        except _Spent:
            pass
        except errors.OneFileError as failure:
            self.seen.failure = failure
        return self.seen

    # What is there to ask for.

    def _find_organisations(self) -> list[int | None]:
        """Find the customer and its organisations, without which nothing else can be asked."""
        customer = self._client.get(CUSTOMER)
        self.seen.replies["customers", "record"] = Reply([customer], ROWS)
        self._contexts[Customers] = {"CustomerID": id_of(customer)}
        self._ask_for(Organisations, "page")
        self._ask_for(Organisations, "unpaged")
        both = [*self.seen.rows("page", "organisations"), *self.seen.rows("unpaged", "organisations")]
        rows = [row for row in both if id_of(row) is not None]
        if not rows:
            raise errors.NoOrganisations
        chosen_rows = rows if self._wanted is None else chosen(rows, self._wanted)
        organisations = list(dict.fromkeys(map(id_of, chosen_rows)))
        self._contexts[Organisations] = {"OrganisationID": organisations[0]}
        return organisations

    def _find_learners(self, organisations: list[int | None]) -> None:
        """Find an organisation with learners."""
        if len(organisations) > _MOST_ORGANISATIONS and self._wanted is None:
            # A search of all of them, which tells in one call who has learners, if rows say whose they are.
            anywhere = self._search("User", {"Role": 1}, page=1).rows
            named = [normalised(row.get("OrganisationID")) for row in anywhere]
            organisations = sorted(organisations, key=lambda each: -named.count(each))
        best = Reply([], "")
        for organisation in organisations[:_MOST_ORGANISATIONS]:
            reply = self._search("User", {"OrganisationID": organisation, "Role": 1}, page=1)
            if not best.answer or len(reply.rows) > len(best.rows):
                best, self._contexts[Organisations] = reply, {"OrganisationID": organisation}
            if len(best.rows) >= SMALL or reply.answer not in NOTHING_THERE:
                break
        self.seen.replies["learners", "page"] = best
        self._ask_for(Learners, "unpaged")
        self._ask_for(Learners, "record")

    def _try(self, stream: type[OneFileStream]) -> None:
        """Ask for a stream in the forms that tell most."""
        name = stream.name
        if self.seen.answer("page", name) or name == "customers":
            return
        if issubclass(stream, PerLearnerStream):
            for learner in self._learners()[:_MOST_LEARNERS]:
                self._ask_for(stream, "list", learner)
                if self.seen.rows("list", name):
                    return
        elif stream.path:
            self._ask_for(stream, "list")
        else:
            self._ask_for(stream, "page")
            if self.seen.answer("page", name) == "404" or name in {"reviews", "assessors"}:
                self._ask_for(stream, "unpaged")
            is_one_of_many = issubclass(stream, UserStream) and name not in {"assessors", "archived_learners"}
            if stream.has_details and not is_one_of_many:
                self._ask_for(stream, "record")

    def _ask_for_the_rest(self) -> None:
        searched = [stream for stream in STREAMS if not stream.path]
        for stream in searched:
            if not issubclass(stream, UserStream):
                self._ask_for(stream, "unpaged")
        for stream in searched:
            if not stream.selected_by_default:
                self._ask_for(stream, "page")
        self._ask_for(Organisations, "record")

    # Questions about paging, filters and absences, put to learners.

    def _try_pages(self) -> None:
        seen = self.seen
        if not (page := seen.rows("page")):
            return
        self._ask_learners("small", 1, SMALL)
        # Where pages are as long as they like, no more of them are asked for than must be.
        if len(seen.rows("small")) <= SMALL:
            self._ask_learners("second", 2, SMALL)
            if len(page) >= seen.page_size:
                self._ask_learners("large", 1, LARGE)
            self._ask_learners("page 0", 0, SMALL, is_odd=True)
        total = max(len(seen.rows("unpaged")), len(seen.rows("large")))
        last = -(-total // min(len(page), seen.page_size)) if total >= len(page) else _FAR
        self._ask_learners("past the end", last + 1, seen.page_size)

    def _try_filters(self) -> None:
        seen = self.seen
        tomorrow = to_timestamp((datetime.fromisoformat(self._began) + timedelta(days=1)).isoformat())
        stamps = [attempt(to_timestamp, row.get("LastModified"), "") for row in seen.rows("page")]
        seen.since = max((stamp for stamp in stamps if stamp.endswith(_MILLISECONDS)), default=tomorrow)
        if seen.rows("page"):
            self._ask_learners("modified since", 1, seen.page_size, LastModified=in_milliseconds(seen.since))
            self._ask_learners("of nobody", 1, SMALL, OrganisationID=NOBODY)

    def _ask_learners(self, what: str, page: int, size: int, *, is_odd: bool = False, **filters: object) -> None:
        filters = {**self._contexts[Organisations], "Role": 1, **filters}
        self.seen.replies["learners", what] = self._search("User", filters, page=page, size=size, is_odd=is_odd)

    def _try_absences(self) -> None:
        self.seen.replies["learners", "missing id"] = self._get(f"User/{NOBODY}", str(NOBODY))
        self._recorder.ends_session = True
        self._get(CUSTOMER, None)

    # Calls.

    def _learners(self) -> list[int]:
        ids = self.seen.ids("page") or self.seen.ids("unpaged")
        return [each for each in ids if isinstance(each, int)]

    def _ask_for(self, stream: type[OneFileStream], form: str, learner: int | None = None) -> None:
        """Ask for a stream in a form, unless that was done or the entity does not answer."""
        name = stream.name
        if NO_ANSWER in {self.seen.answer(form, name), self.seen.answer("page", name)} or self.seen.rows(form, name):
            return
        context = self._contexts.get(stream.parent_stream_type)
        filters = {} if name == "learning_aims" else {**(context or {}), **stream.row_defaults}
        if name == "learning_aims" and self._wanted is not None:
            # An aim does not say which organisation it belongs to.
            if not (learners := self._learners()):
                return
            filters = {"UserID": learners[0]}
        match form:
            case "page" if context:
                reply = self._search(stream.entity, filters, page=1)
            case "unpaged" if context:
                reply = self._search(stream.entity, filters)
            case "record" if rows := self.seen.rows("page", name) or self.seen.rows("unpaged", name):
                record_id = str(normalised(rows[0].get("ID")))
                path = f"{stream.entity}/{quote(record_id, safe='')}"
                if record_id in {"", str(None)} or not is_plain_path(f"/{path}"):
                    return
                reply = self._get(path, record_id)
            case "list" if context:
                path = stream.path.format(id=context["OrganisationID"], learner=learner)
                is_list = getattr(stream, "is_list", True)
                reply = self._asked(lambda: self._client.get_list(path)) if is_list else self._get(path, None)
            case _:
                return
        self.seen.replies[name, form] = reply
        if stream is Standards and reply.rows:
            self._contexts[Standards] = {"StandardID": id_of(reply.rows[0])}

    def _search(
        self,
        entity: str,
        filters: Mapping[str, object],
        *,
        page: int | None = None,
        size: int | None = None,
        is_odd: bool = False,
    ) -> Reply:
        path = f"{entity}/Search" if page is None else f"{entity}/Search/{page}/{size or self.seen.page_size}"
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
        except (errors.AccessRefused, errors.Redirected, errors.QuestionRefused) as refusal:
            return Reply([], str(refusal.status))
        except errors.UnreadableAnswer:
            return Reply([], OTHER_SHAPE)
        except errors.CallFailed:
            return Reply([], NO_ANSWER)
        return Reply([dict(row) for row in rows or ()], ROWS if rows else self._form())

    def _form(self) -> str:
        """Return how the last answer said that there is nothing."""
        last = self._recorder.last
        if last is None or action_for(last.status) is Action.SLOW_DOWN:
            return NO_ANSWER
        if action_for(last.status) is not Action.READ or last.status == 204:  # noqa: PLR2004 - No Content
            return str(last.status)
        return {b"[]": "[]", b"null": "null", b"": EMPTY_BODY, b'""': EMPTY_BODY}.get(last.content.strip(), OTHER_SHAPE)


def _encoding_of(content: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return encoding
    try:
        content.decode()
    except UnicodeDecodeError:
        return "bytes that are not UTF-8"
    return "UTF-8"
