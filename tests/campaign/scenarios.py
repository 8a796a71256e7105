"""What may go wrong, where, and for how long; drawn by Hypothesis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from onefile_sandbox.server.faults import Kind

SHAPES = {
    "login": r"POST /Authentication",
    "object": r"GET /Customer",
    "organisations": r"POST /Organisation/Search",
    "search": r"POST /(User|Classroom|Review)/Search",
    "look-up": r"GET /Organisation/{id}/LearnerStatuses",
    "detail": r"GET /Review/{id}",
    "object of each learner": r"GET /User/{id}/OffTheJob",
    "list of each learner": r"GET /Timesheet/Learner/{id}",
    "any call": r"",
}
"""The shapes that a stream can have, as routes of the sandbox."""

PAGED = ("organisations", "search")

PASSING: tuple[tuple[Kind, dict[str, Any]], ...] = (
    ("status", {"status": 500}),
    ("status", {"status": 502, "body": "html"}),
    ("status", {"status": 503, "body": "empty"}),
    ("status", {"status": 503, "retry_after": 1}),
    ("status", {"status": 504}),
    ("status", {"status": 408}),
    ("status", {"status": 206, "body": "empty"}),
    ("status", {"status": 200, "code": -57, "message": "Placement not found"}),
    ("status", {"status": 429, "retry_after": 0}),
    ("status", {"status": 429, "retry_after": 1}),
    ("status", {"status": 429, "retry_after": 1, "retry_after_style": "date"}),
    ("reset", {}),
    ("close", {}),
    ("cut", {}),
    ("malformed", {}),
    ("garbled", {}),
    ("html", {}),
    ("wrong-shape", {}),
    ("hang", {}),
    ("trickle", {}),
    ("trickling-header", {}),
    ("mangled-header", {}),
    ("slow", {"seconds": 0.2}),
    ("expire", {}),
    ("repeat-page", {}),
)
"""What a second try may mend."""

FINAL: tuple[tuple[Kind, dict[str, Any]], ...] = (
    ("status", {"status": 400, "code": -11, "message": "Centre not found"}),
    ("status", {"status": 401}),
    ("status", {"status": 403, "body": "html"}),
    ("status", {"status": 404}),
    ("status", {"status": 404, "body": "html"}),
    ("status", {"status": 418}),
    ("redirect", {}),
)
"""What is said once and for all."""

AFTER_THE_FIRST = 2
"""The page that may come empty once, as the page before it is known to be full or the last one."""

LASTING = tuple(fault for fault in PASSING + FINAL if fault[1].get("status") != 429)
"""What may go on for ever. Of 429 and nothing else a run dies after a quarter of an hour: a unit test has the clock for
that."""


@dataclass(frozen=True)
class Accident:
    """One fault of the sandbox.

    Attributes:
        kind: What goes wrong.
        details: What else there is to say of it, as `Fault` takes it.
        shape: Which calls it befalls, of SHAPES.
        page: Only this page of a search; 0 is the last one with rows, -1 the empty one after it, None every page.
        after: How many of these calls are let through first.
        times: How many calls it befalls; None is for ever.
    """

    kind: Kind
    details: tuple[tuple[str, Any], ...]
    shape: str
    page: int | None
    after: int
    times: int | None

    @property
    def name(self) -> str:
        """What goes wrong, in a word or two."""
        return " ".join([self.kind, *(str(value) for name, value in self.details if name in {"status", "body"})])

    @property
    def place(self) -> str:
        """Where in the run it happens, in words."""
        if self.page is not None:
            return {0: "last page", -1: "page after the last", 1: "first page"}.get(self.page, "page in the middle")
        if self.times is None:
            return "for ever"
        many = 2
        if self.times > many:
            return "many calls at once"
        return "in the middle" if self.after else "first call"


@dataclass(frozen=True)
class Scenario:
    """A run, and what goes wrong in it.

    Attributes:
        accidents: What goes wrong, mixed.
        learners: How many learners OneFile has.
        organisations: How many organisations they are in.
        page_size: The setting.
        parallel_requests: The setting.
        past_the_end: How OneFile says that a search is over.
        refusal: The status for a session that died.
        days: How many days after a good first run it is that things go wrong; 0 where the first run is the one.
    """

    accidents: tuple[Accident, ...]
    learners: int
    organisations: int
    page_size: int
    parallel_requests: int
    past_the_end: str
    refusal: int
    days: int


@st.composite
def accidents(draw: st.DrawFn) -> Accident:
    """Draw one accident."""
    lasts = draw(st.integers(0, 3)) == 0
    kind, details = draw(st.sampled_from(LASTING if lasts else PASSING + FINAL))
    shape = draw(st.sampled_from(sorted(SHAPES)))
    page = draw(st.sampled_from([None, 1, 2, 0, -1])) if shape in PAGED else None
    times = None if lasts else draw(st.sampled_from([1, 1, 2, 8]))
    if page == AFTER_THE_FIRST and draw(st.booleans()):
        kind, details, times = "empty-200", {}, 1
    after = draw(st.integers(0, 6)) if page is None else 0
    return Accident(kind, tuple(details.items()), shape, page, after, times)


def scenarios() -> st.SearchStrategy[Scenario]:
    """Draw a scenario: one accident mostly, sometimes several."""
    return st.builds(
        Scenario,
        accidents=st.lists(accidents(), min_size=1, max_size=3).map(tuple),
        learners=st.integers(3, 9),
        organisations=st.integers(1, 2),
        page_size=st.sampled_from([2, 3, 100]),
        parallel_requests=st.sampled_from([1, 3, 8]),
        past_the_end=st.sampled_from(["204", "empty-body", "[]", "null", "404"]),
        refusal=st.sampled_from([401, 403]),
        days=st.sampled_from([0, 0, 3]),
    )


def draw(count: int, number: int) -> list[Scenario]:
    """Draw scenarios that differ from each other.

    Args:
        count: How many.
        number: The seed: the same number draws the same scenarios.
    """
    drawn: dict[Scenario, None] = {}
    # Hypothesis gives up on examples that are much alike, so it is asked again, with another seed.
    for part in range(1000):
        if len(drawn) >= count:
            break

        @seed(number + part)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(scenario=scenarios())
        def collect(scenario: Scenario) -> None:
            drawn[scenario] = None

        collect()
    return list(drawn)[:count]
