"""Reviews, plans and off-the-job training."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_onefile.evidence import CLIENT, CLIENTS, EXPORT, SEARCH, WRITTEN, known
from tap_onefile.fields import (
    PERSONAL,
    flag,
    identity,
    instant,
    integer,
    number,
    record,
    reference,
    text,
    text_key,
)
from tap_onefile.instants import to_instant
from tap_onefile.streams.changes import ChangesStream
from tap_onefile.streams.each_learner import EachLearnerStream
from tap_onefile.streams.organisations import OrganisationStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta


class Reviews(ChangesStream):
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
        *known(
            SEARCH, reference("OrganisationID", "Id of the organisation; from the search where the row does not say.")
        ),
        *known(
            CLIENTS,
            instant("ScheduledFor", "When the review is to be held."),
            reference("LearnerID", "Id of the learner."),
            reference("AssessorID", "Id of the assessor; 0 for none."),
            reference("EmployerID", "Id of the employer's user; 0 for none."),
            reference("VisitID", "Id of the visit."),
        ),
        *known(WRITTEN, integer("Status", "Status; what the numbers mean is not settled.")),
        *known(
            CLIENTS,
            number("Progress", "Progress of the learner in per cent at the time of the review."),
            instant("CreatedOn", "When the review was created."),
            instant("StartedOn", "When the review was started; not set if it was not held."),
        ),
        *known(WRITTEN, instant("EndTime", "When the review ends or ended.")),
        *known(
            CLIENTS,
            instant("AssessorSignedOn", "When the assessor signed."),
            instant("LearnerSignedOn", "When the learner signed."),
            instant("EmployerSignedOn", "When the employer signed."),
        ),
    )

    @property
    @override
    def looks_back(self) -> timedelta:
        return self.onefile.settings.review_window

    @override
    def get_rows(self, context: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        # Rows that need no call of their own cost nothing more, so that only the user's own limit narrows them.
        since = self.get_since(context) if self.fetches_details else self.onefile.settings.start_date
        for page in self.get_pages(self.get_read(context)):
            yield from self.complete([row for row in page if _is_since(row, since)])


class Plans(OrganisationStream):
    """Plans of assessment, teaching and learning (OneFile says TLAP), read in full on every run."""

    name = "plans"
    entity = "Plan"
    has_details = True
    selected_by_default = False
    schema = record(
        *known(CLIENT, identity("plan")),
        *known(
            SEARCH, reference("OrganisationID", "Id of the organisation; from the search where the row does not say.")
        ),
        *known(
            CLIENT,
            instant("PlanOn", "When the plan was made."),
            reference("LearnerID", "Id of the learner."),
            text("Title", "Title of the plan: free text.", PERSONAL),
        ),
        *known(EXPORT, integer("StatusID", "Status; what the numbers mean is not documented.")),
        *known(
            CLIENT,
            instant("AssessorSignedOn", "When the assessor signed."),
            instant("LearnerSignedOn", "When the learner signed."),
        ),
    )


def _is_since(row: dict[str, Any], since: str | None) -> bool:
    try:
        return since is None or to_instant(row.get("ScheduledFor")) >= since
    except ValueError:
        return True


class OffTheJob(EachLearnerStream):
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


class Timesheets(EachLearnerStream):
    """Entries of the learners' time sheets: the off-the-job log.

    OneFile gives them no id. `EntryKey` stands for one: it is made from the learner, the period and the category, and a
    number where these are alike. It stays when the comment or the mark of an entry changes; an entry whose period or
    category changes becomes a new one.
    """

    name = "timesheets"
    path = "Timesheet/Learner/{learner}"
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
            instant("FromDate", "When the activity began."),
            instant("ToDate", "When the activity ended."),
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


def _spelled_once(value: object) -> str:
    """Spell a value the same way however OneFile spells it, so that keys stay."""
    try:
        return to_instant(value)
    except ValueError:
        return "" if value is None else str(value)
