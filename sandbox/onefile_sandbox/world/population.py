"""Who is where: how many of each kind there are, under which ids, in which organisation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from onefile_sandbox.world.catalogue import Catalogue
from onefile_sandbox.world.seeded import SeededRandom

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MOST_LEARNERS = 4_000_000
MOST_ORGANISATIONS = 10_000
_WITH_AN_EMPTY_ONE = 4
_LARGEST_SHARE = 4


class RoundRobin:
    """Assigns things to organisations in one repeating, uneven round.

    Where thing number 17 goes depends on neither how many things there are nor what they are,
    which is what keeps a person the same in a customer of any size. From four organisations on,
    the last one is left empty, since a customer's centres are not all in use.
    """

    def __init__(self, seed: int, organisations: int) -> None:
        taking_part = organisations - (organisations >= _WITH_AN_EMPTY_ONE)
        places = [o for o in range(taking_part) for _ in range(max(1, _LARGEST_SHARE // (o + 1)))]
        rng = SeededRandom(seed, "deal", organisations)
        self.round: list[int] = []
        while places:
            self.round.append(places.pop(rng.below(len(places))))
        self._positions: list[list[int]] = [[] for _ in range(organisations)]
        self._ranks: list[int] = []
        for position, organisation in enumerate(self.round):
            self._ranks.append(len(self._positions[organisation]))
            self._positions[organisation].append(position)

    def share(self, organisation: int) -> int:
        """Return how many things of a round an organisation gets."""
        return len(self._positions[organisation])

    def locate(self, index: int) -> tuple[int, int]:
        """Give the organisation of a thing, and its rank within that organisation."""
        rounds, position = divmod(index, len(self.round))
        organisation = self.round[position]
        return organisation, rounds * self.share(organisation) + self._ranks[position]

    def index(self, organisation: int, rank: int) -> int:
        """Give the number of the thing that has this rank in the organisation."""
        rounds, place = divmod(rank, self.share(organisation))
        return rounds * len(self.round) + self._positions[organisation][place]

    def indexes(self, organisation: int, total: int) -> Sequence[int]:
        """Give the numbers of an organisation's things, in order, when there are so many in all."""
        positions = self._positions[organisation]
        size = len(self.round)
        found = [start + p for start in range(0, total, size or 1) for p in positions]
        while found and found[-1] >= total:
            found.pop()
        return found


@dataclass(frozen=True)
class IdRange:
    """The things of one kind that were there from the start."""

    base: int
    rounds: int
    per: int
    learners: int
    turns: RoundRobin

    @cached_property
    def total(self) -> int:
        """How many there are in the customer."""
        extra = self.learners // self.per if self.per else 0
        return self.rounds * len(self.turns.round) + extra

    def locate(self, record_id: int) -> tuple[int, int]:
        """Give the organisation of a thing, and its rank there."""
        return self.turns.locate(record_id - self.base)

    def ids(self, organisation: int | None = None) -> Sequence[int]:
        """Give the ids in an organisation, or in all of them, in ascending order."""
        if organisation is None:
            return range(self.base, self.base + self.total)
        return [self.base + index for index in self.turns.indexes(organisation, self.total)]

    def one_for(self, rng: SeededRandom, organisation: int, rank: int) -> int:
        """Draw the id of one that the organisation already had when its learner of this rank joined it.

        So it is there in a customer of any size that holds the learner.
        """
        share = self.turns.share(organisation)
        grown = rank // share // self.per if self.per else 0
        return self.base + self.turns.index(organisation, rng.below((self.rounds + grown) * share))


LEARNERS = ("learners", "archived_learners")
"""The streams of those who have reviews, plans, aims and hours."""

# stream: first id, how many for each place in the round, and one more for so many learners.
_KINDS = {
    "learners": (1_000_000, 0, 1),
    "archived_learners": (400_000, 1, 10),
    "trainee_assessors": (10_000, 1, 400),
    "assessors": (100_000, 1, 40),
    "iqas": (20_000, 1, 300),
    "lead_iqas": (30_000, 1, 0),
    "employers": (200_000, 1, 20),
    "observers": (40_000, 1, 0),
    "eqas": (50_000, 1, 0),
    "centre_monitors": (60_000, 1, 0),
    "user_managers": (70_000, 1, 0),
    "centre_managers": (80_000, 1, 0),
    "classrooms": (15_000, 1, 15),
    "placements": (18_000, 1, 5),
    "providers": (700, 1, 0),
}


class Population:
    """Who is in one customer at the start, and what they can learn."""

    def __init__(self, seed: int, learners: int, organisations: int, today: datetime) -> None:
        if not 0 <= learners <= MOST_LEARNERS:
            raise ValueError(f"learners must be 0 to {MOST_LEARNERS}")
        if not (learners > 0) <= organisations <= MOST_ORGANISATIONS:
            raise ValueError(f"organisations must be 1 to {MOST_ORGANISATIONS} (0 only without learners)")
        self.seed = seed
        self.today = today
        self.day = today.toordinal()
        rng = SeededRandom(seed, "customer")
        self.customer_id = rng.between(2_000, 2_999)
        first = rng.between(5_000, 8_999)
        self.organisation_ids = [first + 7 * number for number in range(organisations)]
        self.catalogue = Catalogue(seed, self.customer_id)
        turns = RoundRobin(seed, organisations)
        self.id_ranges = {stream: IdRange(*numbers, learners, turns) for stream, numbers in _KINDS.items()}

    def ids(self, stream: str, organisation_id: int | None = None) -> Sequence[int]:
        """Give the ids that a stream has at the start, in an organisation or in all of them."""
        if organisation_id is None:
            return self.id_ranges[stream].ids()
        if organisation_id not in self.organisation_ids:
            return ()
        return self.id_ranges[stream].ids(self.organisation_ids.index(organisation_id))

    def home(self, stream: str, record_id: int) -> int:
        """Give the organisation that something belonged to at the start."""
        organisation, _ = self.id_ranges[stream].locate(record_id)
        return self.organisation_ids[organisation]

    def stream_of_learner(self, learner_id: int) -> str:
        """Return which of the two kinds of learner someone was at the start."""
        return next(stream for stream in LEARNERS if learner_id in self.ids(stream))
