"""What learners are enrolled on, how far they have come with it, and what is done with them: reviews, plans, hours."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_onefile.extract.query import Search
from tap_onefile.records.convert import to_timestamp
from tap_onefile.records.fields import (
    CLIENT,
    CLIENTS,
    EXPORT,
    PERSONAL,
    SEARCH,
    SIMILAR,
    UNDER_OTHER_NAMES,
    WRITTEN,
    flag,
    identity,
    integer,
    key_reference,
    known,
    number,
    organisation_id,
    record,
    reference,
    text,
    text_key,
    timestamp,
)
from tap_onefile.streams.incremental import IncrementalStream
from tap_onefile.streams.organisations import CustomerStream, LookUpStream, OrganisationStream
from tap_onefile.streams.per_learner import PerLearnerStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import timedelta

    from tap_onefile.extract.query import Query

_CALLS_FOR_EACH_LEARNER = 2
"""A page, and the empty one that ends the search."""


class LearningAims(CustomerStream):
    """Learning aims: what each learner is enrolled on.

    One search over the whole customer is the fewest calls: no client searches aims by organisation, and the one that
    searches them by dates alone shows that a learner need not be named (API reference, section 4). Where
    `organisation_ids` narrows the run, aims are searched learner by learner instead, since an aim does not say which
    organisation it belongs to.
    """

    name = "learning_aims"
    entity = "LearningAim"
    has_details = True
    schema = record(
        *known(
            CLIENT,
            identity("learning aim"),
            reference("UserID", "Id of the learner."),
            reference("StandardID", "Id of the standard."),
            integer("Status", "Status of the aim; see learning_aim_statuses."),
            number("Progress", "Progress in per cent."),
        ),
        *known(
            WRITTEN,
            timestamp("StartDate", "Start of the aim."),
            timestamp("PlannedEnd", "Planned end of the aim."),
            text("RegistrationNumber", "Number of the registration with the awarding body.", PERSONAL),
            timestamp("RegistrationDate", "When the learner was registered."),
            timestamp("CertificateAppliedDate", "When the certificate was applied for."),
            timestamp("AchievedDate", "When the aim was achieved."),
        ),
        *known(
            UNDER_OTHER_NAMES,
            timestamp("CertificateReceivedDate", "When the certificate came."),
            integer("TotalElements", "Elements to be done."),
            integer("ElementsDone", "Elements done."),
        ),
    )

    @override
    def get_filters(self, context: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    @override
    def estimate_context(self, context: Mapping[str, Any]) -> int:
        organisations = self.run.settings.organisation_ids
        if organisations is None:
            return super().estimate_context(context)
        return sum(_CALLS_FOR_EACH_LEARNER * len(self.run.reader.learners(each)) for each in organisations)

    @override
    def get_rows(self, context: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        organisations = self.run.settings.organisation_ids
        return super().get_rows(context) if organisations is None else self._of_learners_in(organisations)

    def _of_learners_in(self, organisations: Iterable[int]) -> Iterator[dict[str, Any]]:
        for organisation in sorted(organisations):
            learners = self.run.reader.learners(organisation)
            searches: list[Query] = [Search.of(self.entity, {"UserID": learner}, self.name) for learner in learners]
            for _, page in self.run.reader.many(searches):
                yield from self.complete(page)


class UnitSummaries(PerLearnerStream):
    """How far each learner has come with each unit."""

    name = "unit_summaries"
    path = "User/{learner}/UnitSummary"
    # No field is shown anywhere: guesses after Unit and LearningAim.
    schema = record(
        *known(SIMILAR, identity("unit summary")),
        *known(SEARCH, reference("UserID", "Id of the learner; from the call where the row does not say.")),
        *known(
            SIMILAR,
            reference("LearningAimID", "Id of the learning aim."),
            text("UnitID", "Id of the unit, a text."),
            text("Title", "Title of the unit."),
            number("Progress", "Progress in per cent."),
            integer("Status", "Status of the unit."),
            timestamp("CompletedOn", "When the unit was completed."),
        ),
    )
    learner_field = "UserID"


class LearningAimStatuses(LookUpStream):
    """What the numbers in the `Status` of a learning aim mean; each organisation defines its own."""

    name = "learning_aim_statuses"
    path = "LearningAimStatuses"
    # No field is shown anywhere: guesses after the other entities.
    schema = record(
        *known(SIMILAR, identity("status")),
        *known(SEARCH, key_reference("OrganisationID", "Id of the organisation.")),
        *known(
            SIMILAR,
            text("Name", "Name of the status."),
            integer("SortOrder", "Place of the status in lists."),
            flag("Active", "Whether the status is in use."),
        ),
    )


class AssignedStandards(LookUpStream):
    """Standards that are assigned to learners of an organisation."""

    name = "assigned_standards"
    path = "AssignedStandards"
    # No field is shown anywhere: guesses after Standard.
    schema = record(
        *known(SIMILAR, identity("standard")),
        *known(SEARCH, key_reference("OrganisationID", "Id of the organisation.")),
        *known(
            SIMILAR,
            text("Title", "Title of the standard."),
            integer("LearnerCount", "Learners that the standard is assigned to."),
        ),
    )


class Reviews(IncrementalStream):
    """Progress reviews, held and scheduled.

    OneFile can narrow the search by `DateFrom` and `DateTo`, but nobody shows whether these test the date for which a
    review was scheduled or the one on which it was held; under the second, new reviews would be missed until they are
    held. So the search, which is cheap, is always for all, and only the calls for the full records are narrowed: to
    reviews scheduled within `review_window` before the bookmark, or later. What it can miss: a change to a review that
    was scheduled before that.
    """

    name = "reviews"
    entity = "Review"
    has_details = True
    selected_by_default = False
    replication_key = "ScheduledFor"
    schema = record(
        *known(CLIENTS, identity("review")),
        *organisation_id(),
        *known(
            CLIENTS,
            timestamp("ScheduledFor", "When the review is to be held."),
            reference("LearnerID", "Id of the learner."),
            reference("AssessorID", "Id of the assessor; 0 for none."),
            reference("EmployerID", "Id of the employer's user; 0 for none."),
            reference("VisitID", "Id of the visit."),
        ),
        *known(WRITTEN, integer("Status", "Status; what the numbers mean is not settled.")),
        *known(
            CLIENTS,
            number("Progress", "Progress of the learner in per cent at the time of the review."),
            timestamp("CreatedOn", "When the review was created."),
            timestamp("StartedOn", "When the review was started; not set if it was not held."),
        ),
        *known(WRITTEN, timestamp("EndTime", "When the review ends or ended.")),
        *known(
            CLIENTS,
            timestamp("AssessorSignedOn", "When the assessor signed."),
            timestamp("LearnerSignedOn", "When the learner signed."),
            timestamp("EmployerSignedOn", "When the employer signed."),
        ),
    )

    @property
    @override
    def looks_back(self) -> timedelta:
        return self.run.settings.review_window

    @override
    def get_rows(self, context: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        # Rows that need no call of their own cost nothing more, so that only the user's own limit narrows them.
        since = self.get_since(context) if self.fetches_details else self.run.settings.start_date
        for page in self.get_pages(self.get_query(context)):
            yield from self.complete([row for row in page if _is_since(row, since)])


class Plans(OrganisationStream):
    """Plans of assessment, teaching and learning (OneFile says TLAP), read in full on every run."""

    name = "plans"
    entity = "Plan"
    has_details = True
    selected_by_default = False
    schema = record(
        *known(CLIENT, identity("plan")),
        *organisation_id(),
        *known(
            CLIENT,
            timestamp("PlanOn", "When the plan was made."),
            reference("LearnerID", "Id of the learner."),
            text("Title", "Title of the plan: free text.", PERSONAL),
        ),
        *known(EXPORT, integer("StatusID", "Status; what the numbers mean is not documented.")),
        *known(
            CLIENT,
            timestamp("AssessorSignedOn", "When the assessor signed."),
            timestamp("LearnerSignedOn", "When the learner signed."),
        ),
    )


class OffTheJob(PerLearnerStream):
    """Off-the-job training of each learner: hours planned, and hours done.

    Read for all learners on every run: OneFile works the hours out by itself, and nothing shows that a learner's
    `LastModified` moves when it does.
    """

    name = "off_the_job"
    path = "User/{learner}/offthejob"
    is_list = False
    learner_field = "ID"
    schema = record(
        *known(CLIENTS, identity("learner")),
        *known(SEARCH, reference("OrganisationID", "Id of the organisation; from the call, not the row.")),
        *known(
            CLIENTS,
            number("ContractedHours", "Hours in the contract."),
            number("TargetPercentage", "Share of the contracted hours that is the target, in per cent."),
            number("PlannedOTJ", "Planned hours."),
            number("Duration", "Duration in weeks."),
            text("MethodOfCalculatingOTJ", "How the target is worked out; depends on the start of the episode."),
            number("MinimumOTJ", "Minimum of hours."),
            number("PercentOfPlanned", "Share of the planned hours that is done, in per cent."),
            number("CachedActualHours", "Hours done, as OneFile last worked them out; lags behind the time sheets."),
        ),
    )


class Timesheets(PerLearnerStream):
    """Entries of the learners' time sheets: the off-the-job log.

    OneFile gives them no id. `EntryKey` stands for one: it is made from the learner, the period and the category, and a
    number where these are alike. It stays when the comment or the mark of an entry changes; an entry whose period or
    category changes becomes a new one.
    """

    name = "timesheets"
    path = "Timesheet/Learner/{learner}"
    row_key = None
    primary_keys = ("EntryKey",)
    learner_field = "LearnerID"
    schema = record(
        *known(
            SEARCH,
            text_key("EntryKey", "Key of the entry, made by the tap."),
            reference("LearnerID", "Id of the learner; from the call where the row does not say."),
            reference("OrganisationID", "Id of the organisation; from the call, not the row."),
        ),
        *known(
            CLIENT,
            text("TimesheetCategory", "Category."),
            timestamp("FromDate", "When the activity began."),
            timestamp("ToDate", "When the activity ended."),
            text("Comments", "Comments; may be long.", PERSONAL),
            flag("IsOffTheJob", "Whether the time counts as off-the-job training."),
        ),
    )

    @override
    def get_rows(self, context: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        alike: Counter[tuple[object, ...]] = Counter()
        for row in super().get_rows(context):
            entry = tuple(
                _spelled_once(row.get(name)) for name in ("LearnerID", "FromDate", "ToDate", "TimesheetCategory")
            )
            alike[entry] += 1
            key = hashlib.sha256(repr((*entry, alike[entry])).encode("utf-8", "replace")).hexdigest()[:32]
            yield {**row, "EntryKey": key}


def _is_since(row: dict[str, Any], since: str | None) -> bool:
    try:
        return since is None or to_timestamp(row.get("ScheduledFor")) >= since
    except ValueError:
        return True


def _spelled_once(value: object) -> str:
    """Spell a value the same way however OneFile spells it, so that keys stay."""
    try:
        return to_timestamp(value)
    except ValueError:
        return "" if value is None else str(value)
