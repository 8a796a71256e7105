"""Puts together the tables of every stream, as they are at the start."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from onefile_sandbox.world import catalogue, learning, off_the_job, people, places, progress, timestamps
from onefile_sandbox.world.catalogue import Catalogue
from onefile_sandbox.world.children import ChildTable, Parents
from onefile_sandbox.world.learning import Learning
from onefile_sandbox.world.off_the_job import OffTheJob
from onefile_sandbox.world.progress import Progress
from onefile_sandbox.world.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from onefile_sandbox.world.population import Population
    from onefile_sandbox.world.rows import Key, Row, Value

LEARNERS = ("learners", "archived_learners")
"""The streams of those whom reviews, plans, aims and hours hang from."""


def make_tables(population: Population) -> dict[str, Table]:
    """Make all tables of a customer.

    Args:
        population: The customer.

    Returns:
        The tables, by stream.
    """
    plain = [*_places(population), *_people(population)]
    tables = {table.stream: table for table in plain}
    organisations = Parents(tables["organisations"])
    learners = Parents(*(tables[stream] for stream in LEARNERS))
    offer = Catalogue(population)
    more = [*_look_ups(organisations, offer), *_learning(population, learners, offer), *_progress(population, learners)]
    tables.update((table.stream, table) for table in more)
    tables.update((table.stream, table) for table in _qualifications(offer, tables["assigned_standards"]))
    return tables


def _places(population: Population) -> Iterable[Table]:
    organisation_ids = population.organisation_ids
    yield Table(
        "organisations",
        lambda only: organisation_ids if only is None else [only] if only in organisation_ids else (),
        partial(places.organisation, population),
    )
    for stream, make in (
        ("classrooms", places.classroom),
        ("placements", places.placement),
        ("providers", places.provider),
    ):
        yield Table(stream, _first_ids(population, stream), partial(make, population))


def _people(population: Population) -> Iterable[Table]:
    changed = partial(timestamps.last_change, population.seed, population.today)
    for stream in people.ROLES:
        home = partial(_home, population, stream)
        quick: dict[str, Callable[[Any], Value]] = {"LastModified": changed, "OrganisationID": home}
        make = partial(people.person, population, stream)
        yield Table(stream, _first_ids(population, stream), make, quick=quick)


def _look_ups(parents: Parents, offer: Catalogue) -> Iterable[Table]:
    look_up = partial(ChildTable, parents=parents, parent="OrganisationID", slots=people.LOOK_UP_IDS)
    yield look_up("learner_statuses", count=lambda _: people.LEARNER_STATUSES, make=catalogue.learner_status)
    yield look_up(
        "learning_aim_statuses",
        count=lambda _: len(catalogue.AIM_STATUSES),
        make=catalogue.learning_aim_status,
        key="_Key",
    )
    yield look_up("framework_templates", count=offer.framework_templates, make=offer.framework_template)
    yield ChildTable(
        "assigned_standards",
        parents=parents,
        parent="OrganisationID",
        slots=catalogue.MOST_ASSIGNED,
        count=lambda organisation_id: len(offer.assigned(organisation_id)),
        make=offer.assigned_standard,
        key="_Key",
    )


def _qualifications(offer: Catalogue, assigned: Table) -> Iterable[Table]:
    def standards(organisation_id: int | None) -> Sequence[Key]:
        if organisation_id is None:
            return list(offer.standards)
        ids = {assigned.row(key)["ID"] for key in assigned.ids(organisation_id)}
        return [standard_id for standard_id in offer.standards if standard_id in ids]

    def units(organisation_id: int | None) -> Sequence[Key]:
        if organisation_id is None:
            return sorted(offer.units)
        return sorted(unit for standard in standards(organisation_id) for unit in offer.units_of(int(standard)))

    yield Table("standards", standards, lambda i: dict(offer.standards[i]))
    yield Table("units", units, lambda i: dict(offer.units[i]))


def _learning(population: Population, parents: Parents, offer: Catalogue) -> Iterable[Table]:
    invented = Learning(population, offer, partial(_home_of_learner, population))
    yield ChildTable(
        "learning_aims",
        parents=parents,
        parent="UserID",
        slots=learning.AIM_SLOTS,
        count=_for_the_first(population, invented.aims),
        make=invented.aim,
    )
    yield ChildTable(
        "unit_summaries",
        parents=parents,
        parent="UserID",
        slots=learning.SUMMARY_SLOTS,
        count=_for_the_first(population, invented.summaries),
        make=invented.summary,
    )


def _progress(population: Population, parents: Parents) -> Iterable[Table]:
    @lru_cache(maxsize=4096)
    def learner(learner_id: int) -> Row:
        return people.person(population, _stream_of(population, learner_id), learner_id)

    invented, hours = Progress(population, learner), OffTheJob(population)
    yield ChildTable(
        "reviews",
        parents=parents,
        parent="LearnerID",
        slots=progress.REVIEW_SLOTS,
        count=_for_the_first(population, invented.reviews),
        make=invented.review,
        quick={"ScheduledFor": invented.scheduled},
    )
    yield ChildTable(
        "plans",
        parents=parents,
        parent="LearnerID",
        slots=progress.PLAN_SLOTS,
        count=_for_the_first(population, invented.plans),
        make=invented.plan,
    )
    yield ChildTable(
        "off_the_job",
        parents=parents,
        parent="LearnerID",
        slots=1,
        count=_for_the_first(population, hours.has_hours),
        make=hours.hours,
    )
    yield ChildTable(
        "timesheets",
        parents=parents,
        parent="LearnerID",
        slots=off_the_job.TIMESHEET_SLOTS,
        count=_for_the_first(population, hours.rows),
        make=hours.row,
        key="_Key",
    )


def _first_ids(population: Population, stream: str) -> Callable[[int | None], Sequence[int]]:
    id_range, organisation_ids = population.id_ranges[stream], population.organisation_ids

    def ids(organisation_id: int | None) -> Sequence[int]:
        if organisation_id is None:
            return id_range.ids()
        if organisation_id not in organisation_ids:
            return ()
        return id_range.ids(organisation_ids.index(organisation_id))

    return ids


def _for_the_first(population: Population, count: Callable[[int], int]) -> Callable[[int], int]:
    """Give nothing to learners who were added: what they have is added too."""
    current, archived = (population.id_ranges[stream].ids() for stream in LEARNERS)
    return lambda learner_id: count(learner_id) if learner_id in current or learner_id in archived else 0


def _stream_of(population: Population, learner_id: int) -> str:
    return next(stream for stream in LEARNERS if population.id_ranges[stream].holds(learner_id))


def _home(population: Population, stream: str, record_id: int) -> int:
    organisation, _ = population.id_ranges[stream].locate(record_id)
    return population.organisation_ids[organisation]


def _home_of_learner(population: Population, learner_id: int) -> int:
    return _home(population, _stream_of(population, learner_id), learner_id)
