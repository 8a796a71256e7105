"""A small truthful OneFile on raw sockets whose answers may slip."""

from __future__ import annotations

import gzip
import json
import re
import socketserver
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Self, cast

from typing_extensions import override

from tests.running import GIVES_UP_SOON

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    Row = dict[str, Any]
    Slip = Callable[["Call", int, "Answer"], "Answer"]

PREFIX = "/api/v2.1/"
FIRST, SECOND, THIRD = 9101, 9102, 9103
MOMENT = "2024-01-{:02}T00:00:00.000000Z"
"""As records spell it, so that rows and records are alike."""

STREAMS: dict[str, tuple[str, Row]] = {
    "organisations": ("Organisation", {}),
    "learner_statuses": ("LearnerStatuses", {}),
    "assessors": ("User", {"Role": 5}),
    "iqas": ("User", {"Role": 10}),
    "eqas": ("User", {"Role": 50}),
    "learners": ("User", {"Role": 1}),
    "classrooms": ("Classroom", {}),
    "placements": ("Placement", {}),
    "standards": ("Standard", {}),
    "units": ("Unit", {}),
    "learning_aims": ("LearningAim", {}),
    "reviews": ("Review", {}),
    "plans": ("Plan", {}),
    "off_the_job": ("OffTheJob", {}),
    "timesheets": ("Timesheet", {}),
}
"""Where the server keeps the rows of a stream."""

THIN = {"User": ("ID", "FirstName", "LastName", "MISID"), "Classroom": ("ID", "Name")}
"""What the unpaged search gives of a row that the paged one gives whole."""
ALWAYS_THIN = {"Review": ("ID", "ScheduledFor"), "Plan": ("ID", "PlanOn")}


@dataclass(frozen=True)
class Call:
    """A call that the server received."""

    method: str
    target: str
    """The path as it came, with its prefix."""
    filters: Row = field(hash=False)

    @property
    def path(self) -> str:
        """The path below the address of the API."""
        return self.target.removeprefix(PREFIX)

    @property
    def entity(self) -> str:
        """What is searched; of a GET, the kind of thing and what about it."""
        return re.sub(r"/(?:Search\b.*|[0-9]+)", "", self.path)

    @property
    def page(self) -> int | None:
        """The page that is asked for, 0 for the whole search; None where it is no search."""
        found = re.search(r"/Search(?:/([0-9]+)/[0-9]+)?$", self.path)
        return int(found[1] or 0) if found else None

    @property
    def asked(self) -> int:
        """How many rows a page is asked for."""
        return int(self.path.rsplit("/", 1)[1])

    @property
    def id(self) -> int | None:
        """The first id in the path of a GET."""
        found = re.search(r"/([0-9]+)(?:/|$)", self.path)
        return int(found[1]) if found and self.method == "GET" else None

    @property
    def organisation(self) -> int | None:
        """The organisation that is asked about."""
        return self.id if self.path.startswith("Organisation/") else self.filters.get("OrganisationID")

    @property
    def role(self) -> int | None:
        """The role that is asked for."""
        return self.filters.get("Role")


@dataclass(frozen=True)
class Answer:
    """An answer and how it travels."""

    status: int = 200
    body: bytes = b""
    headers: tuple[str, ...] = ()
    framing: str = "length"
    """How the end of the body is known: by its `length`, by its last `chunk`, or by the `close` of the connection."""
    encoding: str = "identity"
    before: bytes = b""
    """What is sent before it, such as informational answers."""
    after: bytes = b""
    """What is sent on the same connection after it."""
    cut: int | None = None
    """How many bytes of the body, as it travels, come before the connection ends; negative ones count from its end."""
    wait: float = 0
    """Seconds before it comes."""

    @classmethod
    def of(cls, data: object) -> Self:
        """Say what OneFile would: no content where there is nothing."""
        return cls(204) if data in (None, []) else cls(body=json.dumps(data).encode())

    @property
    def data(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """What the body holds."""
        return json.loads(self.body) if self.body else []

    def with_rows(self, change: Callable[[list[Row]], list[Row]]) -> Answer:
        """Change the rows."""
        return Answer.of(change(self.data))

    @property
    def ends(self) -> bool:
        """Whether the connection ends after it."""
        return self.cut is not None or self.framing == "close"

    def wire(self) -> bytes:
        """Give all bytes that are sent."""
        if self.status == 0:
            return self.before
        body = self.body
        headers = list(self.headers)
        if self.encoding == "gzip":
            body = gzip.compress(body, mtime=0)
        elif self.encoding == "deflate":
            body = zlib.compress(body)
        if self.encoding != "identity":
            headers.append(f"Content-Encoding: {self.encoding}")
        if self.framing == "chunk":
            headers.append("Transfer-Encoding: chunked")
            halves = (body[: len(body) // 2], body[len(body) // 2 :])
            body = b"".join(b"%x\r\n%b\r\n" % (len(half), half) for half in halves if half) + b"0\r\n\r\n"
        elif self.framing == "length" and self.status not in {204, 304}:
            headers.append(f"Content-Length: {len(body)}")
        head = "\r\n".join((f"HTTP/1.1 {self.status} As it is", *headers, "", "")).encode()
        return self.before + head + body[: self.cut] + self.after


NO_CONTENT = Answer(204)
NOTHING = Answer(0)
"""The connection ends without a word."""
HTML = Answer(body=b"<html><body>Down for a release</body></html>", headers=("Content-Type: text/html",))
EMPTY = {
    "204": NO_CONTENT,
    "list": Answer(body=b"[]"),
    "null": Answer(body=b"null"),
    "text": Answer(body=b'""'),
    "no-length": Answer(framing="close"),
    "length-0": Answer(),
    "no-chunk": Answer(framing="chunk"),
}
"""What may be said in place of rows."""
UNUSABLE = {
    "500": Answer(500),
    "html": HTML,
    "cut": Answer(body=b"[{", framing="close"),
    "nothing": NOTHING,
    "hangs": Answer(wait=5),
    "400": Answer(400),
    "401": Answer(401),
    "403": Answer(403),
    "404": Answer(404),
    "object": Answer(body=b'{"code": -1}'),
    "empty": NO_CONTENT,
    "wrong rows": Answer(body=b"[1, 2]"),
}
"""What cannot be read as rows, or holds none."""


def _is_such(call: Call, where: Mapping[str, object]) -> bool:
    return all(getattr(call, name) == value for name, value in where.items())


def slip(becomes: Answer | Callable[[Answer], Answer], times: Collection[int] | None = (1,), **where: object) -> Slip:
    """Make a slip.

    Args:
        becomes: What is answered, or what becomes of the truthful answer.
        times: Which times of asking the same question it happens; None for each.
        where: What the call must be like, by the names of Call.
    """

    def slips(call: Call, nth: int, answer: Answer) -> Answer:
        if times is not None and nth not in times:
            return answer
        if not _is_such(call, where):
            return answer
        return becomes if isinstance(becomes, Answer) else becomes(answer)

    return slips


def for_a_while(seconds: float, becomes: Answer, **where: object) -> Slip:
    """Make a slip that lasts for some seconds from the first such call on."""
    began: list[float] = []

    def slips(call: Call, _: int, answer: Answer) -> Answer:
        if not _is_such(call, where):
            return answer
        began.append(time.monotonic())
        return becomes if began[-1] - began[0] < seconds else answer

    return slips


def some(stream: str, rows: int | tuple[int, ...]) -> Row:
    """Say how many rows a stream has, by its name."""
    return {stream: rows}


class OneFile:
    """A customer's OneFile.

    Args:
        organisations: How many there are.
        cap: How many rows a page holds at the most, by the call and the number of pages answered before it.
        lists: How many rows the unpaged search gives at the most.
        hides: Fields that rows leave open.
        ignores: Filters that make no difference.
        rows: How many of each stream an organisation has: one number for all, or one for each. Standards are the
            customer's, and their rows those of the first.
    """

    def __init__(
        self,
        organisations: int = 2,
        *,
        cap: Callable[[Call, int], int] | int = 1000,
        lists: int = 1_000_000,
        hides: Collection[str] = (),
        ignores: Collection[str] = (),
        **rows: int | tuple[int, ...],
    ) -> None:
        self.cap, self.lists, self.hides, self.ignores = cap, lists, hides, ignores
        self.slips: list[Slip] = []
        self.calls: list[Call] = []
        self.tables: dict[str, list[Row]] = {entity: [] for entity, _ in STREAMS.values()}
        self.tables["Organisation"] = [{"ID": 9101 + n, "Name": f"Centre {n}"} for n in range(organisations)]
        for stream, counts in rows.items():
            for place, organisation in enumerate(self.tables["Organisation"]):
                count = counts if isinstance(counts, int) else counts[place] if place < len(counts) else 0
                for _ in range(count):
                    self.add(stream, organisation["ID"])
        self._asked: Counter[tuple[str, str]] = Counter()
        self._pages: Counter[str] = Counter()
        self._lock, self._stop = Lock(), Event()

    def add(self, stream: str, organisation: int, **values: object) -> Row:
        """Add a row, and what OneFile keeps beside a learner."""
        entity, fixed = STREAMS[stream]
        number = 100_000 + sum(map(len, self.tables.values()))
        row: Row = {"ID": number, "OrganisationID": organisation, **fixed}
        if entity == "User":
            row |= {"FirstName": "Ada", "LastName": f"Sample {number}", "MISID": f"X-{number}"}
            row |= {"Email": f"{number}@example.org", "LastModified": MOMENT.format(number % 28 + 1)}
        if stream == "learners":
            row |= {"ULN": f"{number:010}", "NINO": "QQ123456C", "Progress": 12.5}
        elif entity in ALWAYS_THIN:
            learners = [user["ID"] for user in self._rows_of("learners", organisation)] or [1]
            moment = MOMENT.format(number % 28 + 1)
            row |= {ALWAYS_THIN[entity][1]: moment, "LearnerID": learners[number % len(learners)]}
            row |= {"AssessorSignedOn": MOMENT.format(29), "LearnerSignedOn": MOMENT.format(30)}
        elif entity in {"Classroom", "Placement", "LearnerStatuses"}:
            row |= {"Name": f"{stream} {number}"}
            row |= {"MISID": f"X-{number}"} if entity != "LearnerStatuses" else {}
        elif entity == "Standard":
            row = {"ID": number, "Title": f"Standard {number}"}
        elif entity == "OffTheJob":
            learners = self._rows_of("learners", organisation)
            row |= {"ID": learners[len(self._rows_of(stream, organisation))]["ID"], "PlannedOTJ": 312.5}
        elif entity in {"Timesheet", "LearningAim"}:
            learners = self._rows_of("learners", organisation)
            owner = learners[len(self._rows_of(stream, organisation)) % len(learners)]["ID"]
            row |= {"LearnerID": owner, "FromDate": MOMENT.format(5)} if entity == "Timesheet" else {"UserID": owner}
        row |= values
        self.tables[entity].append(row)
        return row

    def _rows_of(self, stream: str, organisation: int | None = None) -> list[Row]:
        entity, fixed = STREAMS[stream]
        return [
            row
            for row in self.tables[entity]
            if row.items() >= fixed.items() and organisation in (None, row.get("OrganisationID"))
        ]

    def truth(self, stream: str, organisations: Collection[int] | None = None) -> list[Row]:
        """Give the rows that a stream has in truth."""
        unsaid = {"Timesheet": {"ID"}, "LearningAim": {"OrganisationID"}}.get(STREAMS[stream][0], set())
        return [
            {name: value for name, value in row.items() if name not in unsaid}
            for row in self._rows_of(stream)
            if organisations is None or row.get("OrganisationID", row["ID"]) in organisations
        ]

    @property
    def settings(self) -> Row:
        """The settings that point the tap at it."""
        address = f"http://127.0.0.1:{self._server.server_address[1]}{PREFIX}".rstrip("/")
        common = {"customer_token": "t", "api_url": address, "requests_per_minute": 0, "special_category_data": True}
        return {**common, **GIVES_UP_SOON}

    def count(self, **where: object) -> int:
        """Count the calls that were of a kind."""
        return sum(_is_such(call, where) for call in self.calls)

    def answer(self, call: Call) -> Answer:
        """Answer a call, truthfully or not."""
        with self._lock:
            self.calls.append(call)
            question = (call.target, json.dumps(call.filters, sort_keys=True))
            self._asked[question] += 1
            nth = self._asked[question]
            answer = self._truthful(call)
        for slips in self.slips:
            answer = slips(call, nth, answer)
        self._stop.wait(answer.wait)
        return answer

    def _truthful(self, call: Call) -> Answer:
        if call.path == "Authentication":
            return Answer(body=b"a-session")
        if call.page is not None:
            return self._search(call)
        kind = call.entity
        if kind == "Customer":
            return Answer.of({"ID": 9001, "Name": "Example Customer"})
        if kind.startswith("Organisation/"):
            listed = self.tables.get(kind.partition("/")[2], [])
            return Answer.of([row for row in listed if row["OrganisationID"] == call.id])
        if kind == "Timesheet/Learner":
            return Answer.of([self._shown(row) for row in self.tables["Timesheet"] if row["LearnerID"] == call.id])
        table = "OffTheJob" if kind.casefold() == "user/offthejob" else kind
        table = "Unit" if kind.startswith("Unit/") else table
        found = [row for row in self.tables.get(table, []) if str(row["ID"]) == call.path.split("/")[1]]
        return Answer.of(self._shown(found[0])) if found else Answer(204 if table == "OffTheJob" else 404)

    def _search(self, call: Call) -> Answer:
        wanted = {name: value for name, value in call.filters.items() if name not in self.ignores}
        wanted.pop("CustomerID", None)
        since = wanted.pop("LastModified", "")
        rows = [
            row
            for row in self.tables.get(call.entity, [])
            if row.items() >= wanted.items() and row.get("LastModified", "9") >= since
        ]
        if call.page:
            question = json.dumps([call.entity, call.filters], sort_keys=True)
            cap = self.cap if isinstance(self.cap, int) else self.cap(call, self._pages[question])
            self._pages[question] += 1
            size = min(call.asked, cap)
            rows = rows[(call.page - 1) * size : call.page * size]
        else:
            rows = rows[: self.lists]
        thin = ALWAYS_THIN.get(call.entity) or (None if call.page else THIN.get(call.entity))
        return Answer.of([self._shown(row, thin) for row in rows])

    def _shown(self, row: Row, thin: Collection[str] | None = None) -> Row:
        return {name: value for name, value in row.items() if name not in self.hides and (thin is None or name in thin)}

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.onefile = self
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    onefile: OneFile
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: who has had enough of an answer hangs up."""


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    @override
    def handle(self) -> None:
        onefile = cast("_Server", self.server).onefile
        while line := self.rfile.readline():
            method, target, _ = line.decode("latin-1").split(" ", 2)
            length = 0
            while (header := self.rfile.readline().strip()) != b"":
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            body = self.rfile.read(length)
            answer = onefile.answer(Call(method, target, json.loads(body) if body else {}))
            self.wfile.write(answer.wire())
            if answer.ends or answer.status == 0:
                return
