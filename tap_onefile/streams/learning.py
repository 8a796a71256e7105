"""What learners are enrolled on, how far they have got, and what is done with them: reviews, plans, hours."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_onefile.api.decode import Unreadable
from tap_onefile.errors import MissingPage, NoOrganisations, NotFound, QuestionRefused
from tap_onefile.extract.query import Search, is_silent
from tap_onefile.records import fields as f
from tap_onefile.records.convert import attempt, to_timestamp
from tap_onefile.streams.base import CALLS_PER_SEARCH
from tap_onefile.streams.kinds import (
    CustomerStream,
    IncrementalStream,
    LookUpStream,
    OrganisationStream,
    PerLearnerStream,
)
from tap_onefile.streams.organisations import Organisations, id_of
from tap_onefile.streams.qualifications import LearnerStatuses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import timedelta

    from tap_onefile.api.decode import Row

_FEW = 5
"""Organisations, and learners of each, by whom it shows whether there are aims."""
_ENTRY = ("LearnerID", "FromDate", "ToDate", "TimesheetCategory")
"""What tells entries of time sheets apart."""
_ENTRY_IDS = ("ID", "TimesheetID", "timesheetID")
"""Where an entry may have its id; the product has one (API reference, section 11)."""


class LearningAims(CustomerStream):
    """Learning aims: what each learner is enrolled on.

    One apprenticeship is several aims: the main one, on-programme, Gateway and end-point assessment. So an aim is not a
    programme, and learners must not be counted by their aims; the programme is the learner's `EpisodeName`.

    One search over the whole customer takes the fewest calls: no client searches aims by organisation, and the one that
    searches them by dates alone shows that a learner need not be named (API reference, section 4). Where
    `organisation_ids` narrows the run, aims are searched learner by learner instead, since an aim does not say which
    organisation it belongs to; and so they are where OneFile gives none unless a learner is named. Those of archived
    learners are left out then.
    """

    name = "learning_aims"
    entity = "LearningAim"
    has_details = True
    schema = f.record(
        f.CLIENT.identity("learning aim"),
        f.CLIENT.reference("UserID", "Id of the learner."),
        f.CLIENT.reference("StandardID", "Id of the standard."),
        f.CLIENT.integer("Status", "Status of the aim; see learning_aim_statuses."),
        f.CLIENT.number("Progress", "Progress in per cent."),
        f.WRITTEN.timestamp("StartDate", "Start of the aim."),
        f.WRITTEN.timestamp("PlannedEnd", "Planned end of the aim."),
        f.WRITTEN.text("RegistrationNumber", "Number of the registration with the awarding body.", f.PERSONAL),
        f.WRITTEN.timestamp("RegistrationDate", "When the learner was registered."),
        f.WRITTEN.timestamp("CertificateAppliedDate", "When the certificate was applied for."),
        f.WRITTEN.timestamp("AchievedDate", "When the aim was achieved."),
        f.UNDER_OTHER_NAMES.timestamp("CertificateReceivedDate", "When the certificate came."),
        f.UNDER_OTHER_NAMES.integer("TotalElements", "Elements to be done."),
        f.UNDER_OTHER_NAMES.integer("ElementsDone", "Elements done."),
    )

    @override
    def get_filters(self, context: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    @override
    def estimate_context(self, context: Mapping[str, Any]) -> int:
        organisations = self.run.settings.organisation_ids
        if organisations is None:
            return super().estimate_context(context)
        return sum(CALLS_PER_SEARCH * len(self.run.reader.learners(each)) for each in organisations)

    @override
    def get_pages(self, context: Mapping[str, Any]) -> Iterator[Sequence[Row]]:
        if self.run.settings.organisation_ids is None:
            found = False
            try:
                for page in super().get_pages(context):
                    found = found or bool(page)
                    yield page
            except QuestionRefused:
                if found:
                    raise
            else:
                if found or not self._are_found_by_learner(context):
                    return
            self.logger.warning(
                "learning_aims: OneFile gives only those of a learner who is named, so each one who is not archived is"
                " asked for"
            )
            self.run.problems.in_part.add(self.name)
        searches = [each for organisation in self._organisations(context) for each in self._searches(organisation)]
        for place, page in self.run.reader.many(searches):
            owner = dict(searches[place].filters)
            yield [{**row, **owner} if is_silent(row, "UserID") else row for row in page]

    def _organisations(self, context: Mapping[str, Any]) -> list[int]:
        known = self.run.settings.organisation_ids or self.run.metrics.organisations
        if not known:
            # None of their streams is selected.
            search = Search.of(Organisations.entity, context, Organisations.name, is_never_empty=True)
            try:
                rows = [row for page in self.run.reader.pages(search) for row in page]
            except NotFound as absence:
                raise MissingPage(absence.call) from None
            known = [number for row in rows if (number := id_of(row)) is not None]
            if not known:
                raise NoOrganisations
        return sorted(known)

    def _searches(self, organisation: int) -> list[Search]:
        learners = self.run.reader.learners(organisation)
        return [Search.of(self.entity, {"UserID": learner}, self.name) for learner in learners]

    def _are_found_by_learner(self, context: Mapping[str, Any]) -> bool:
        """Return whether a search that names a learner finds aims, by a few learners of a few organisations."""
        for organisation in self._organisations(context)[:_FEW]:
            with suppress(NotFound):
                if any(page for _, page in self.run.reader.many(self._searches(organisation)[:_FEW])):
                    return True
        return False


class UnitSummaries(PerLearnerStream):
    """How far each learner has got with each unit."""

    name = "unit_summaries"
    path = "User/{learner}/UnitSummary"
    # No source shows any field: these are guesses, modelled on Unit and LearningAim.
    schema = f.record(
        f.SIMILAR.identity("unit summary"),
        f.SEARCH.reference("UserID", "Id of the learner; from the call where the row does not say."),
        f.SIMILAR.reference("LearningAimID", "Id of the learning aim."),
        f.SIMILAR.text("UnitID", "Id of the unit, a text."),
        f.SIMILAR.text("Title", "Title of the unit."),
        f.SIMILAR.number("Progress", "Progress in per cent."),
        f.SIMILAR.integer("Status", "Status of the unit."),
        f.SIMILAR.timestamp("CompletedOn", "When the unit was completed."),
    )
    learner_field = "UserID"


class LearningAimStatuses(LookUpStream):
    """What the numbers in the `Status` of a learning aim mean; each organisation defines its own.

    Failed and Withdrawn exist in every organisation, and may be missing here (help article 76000044865), so use a
    left join.
    """

    name = "learning_aim_statuses"
    path = "Organisation/{id}/LearningAimStatuses"
    schema = LearnerStatuses.schema


class AssignedStandards(LookUpStream):
    """Standards that are assigned to learners of an organisation."""

    name = "assigned_standards"
    path = "Organisation/{id}/AssignedStandards"
    # No source shows any field: these are guesses, modelled on Standard.
    schema = f.record(
        f.SIMILAR.identity("standard"),
        f.SEARCH.organisation_key(),
        f.SIMILAR.text("Title", "Title of the standard."),
        f.SIMILAR.integer("LearnerCount", "Learners that the standard is assigned to."),
    )


class Reviews(IncrementalStream):
    """Progress reviews, held and scheduled.

    OneFile can narrow the search by `DateFrom` and `DateTo`, but it is not known whether these apply to the date for
    which a review was scheduled or to the one on which it was held; in the second case, new reviews would be missed
    until they are held. So the search, which is cheap, always finds all reviews, and only the calls for full records
    are limited: to reviews scheduled within `review_window` before the bookmark, or later. What it can miss: a change
    to a review that was scheduled before that.

    The stage of a review follows from its dates, and not from `Status`: scheduled without `StartedOn`, then started,
    signed by the assessor (`AssessorSignedOn`), by the learner, and by the employer. Unlocking a review removes
    signatures. Until the assessor has signed, `AssessorID` is 0: for reviews that are due, use the learner's
    `DefaultAssessorID`.
    """

    name = "reviews"
    entity = "Review"
    has_details = True
    selected_by_default = False
    replication_key = "ScheduledFor"
    schema = f.record(
        f.CLIENTS.identity("review"),
        f.SEARCH.organisation_id(),
        f.CLIENTS.timestamp("ScheduledFor", "When the review is to be held."),
        f.CLIENTS.reference("LearnerID", "Id of the learner."),
        f.CLIENTS.reference(
            "AssessorID",
            "Id of the assessor; 0 until the assessor signs: until then, see the learner's DefaultAssessorID.",
        ),
        f.CLIENTS.reference("EmployerID", "Id of the employer's user; 0 for none."),
        f.CLIENTS.reference("VisitID", "Id of the visit."),
        f.WRITTEN.integer("Status", "Status; what the numbers mean is not settled: the stage follows from the dates."),
        f.CLIENTS.number("Progress", "Progress of the learner in per cent at the time of the review."),
        f.CLIENTS.timestamp("CreatedOn", "When the review was created."),
        f.CLIENTS.timestamp("StartedOn", "When the review was started; without it, the review is only scheduled."),
        f.WRITTEN.timestamp("EndTime", "When the review ends or ended."),
        f.CLIENTS.timestamp("AssessorSignedOn", "When the assessor signed; unlocking removes it."),
        f.CLIENTS.timestamp("LearnerSignedOn", "When the learner signed, after the assessor."),
        f.CLIENTS.timestamp("EmployerSignedOn", "When the employer signed, after the learner."),
    )

    @property
    @override
    def looks_back(self) -> timedelta:
        return self.run.settings.review_window

    @override
    def get_pages(self, context: Mapping[str, Any]) -> Iterable[Sequence[Row]]:
        # Rows that need no call of their own cost nothing more, so only the user's start_date narrows them.
        since = self.get_since(context) if self.fetches_details else self.run.settings.start_date
        return ([row for row in page if self.is_since(row, since)] for page in super().get_pages(context))


class Plans(OrganisationStream):
    """Plans of assessment, teaching and learning (OneFile says TLAP), read in full on every run."""

    name = "plans"
    entity = "Plan"
    has_details = True
    selected_by_default = False
    schema = f.record(
        f.CLIENT.identity("plan"),
        f.SEARCH.organisation_id(),
        f.CLIENT.timestamp("PlanOn", "When the plan was made."),
        f.CLIENT.reference("LearnerID", "Id of the learner."),
        f.CLIENT.text("Title", "Title of the plan: free text.", f.PERSONAL),
        f.EXPORT.integer("StatusID", "Status; what the numbers mean is not documented."),
        f.CLIENT.timestamp("AssessorSignedOn", "When the assessor signed."),
        f.CLIENT.timestamp("LearnerSignedOn", "When the learner signed."),
    )


class OffTheJob(PerLearnerStream):
    """Off-the-job training of each learner: hours planned, and hours done.

    Do not recalculate `MinimumOTJ`: there are three methods, by the start of the episode. Before August 2022 it is a
    share of the contracted hours, from then on six hours a week, and since August 2025 a figure that the Department for
    Education sets for each standard, less what recorded prior learning saves, but 187 hours at least (help article
    76000085894). Actual hours come from journals, registers and assessments as well as time sheets, and what is entered
    twice counts once, so a sum of time sheets need not be `CachedActualHours`.

    Read for all learners on every run: OneFile calculates the hours itself, and nothing shows that a learner's
    `LastModified` moves when it does.
    """

    name = "off_the_job"
    path = "User/{learner}/offthejob"
    is_list = False
    learner_field = "ID"
    schema = f.record(
        f.CLIENTS.identity("learner"),
        f.SEARCH.reference("OrganisationID", "Id of the organisation; from the call, not the row."),
        f.CLIENTS.number("ContractedHours", "Hours in the contract."),
        f.CLIENTS.number("TargetPercentage", "Share of the contracted hours that is the target, in per cent."),
        f.CLIENTS.number("PlannedOTJ", "Planned hours."),
        f.CLIENTS.number("Duration", "Duration in weeks."),
        f.CLIENTS.text(
            "MethodOfCalculatingOTJ",
            "Which of three methods gives the minimum, as a number or a text; depends on the start of the episode.",
        ),
        f.CLIENTS.number("MinimumOTJ", "Minimum of hours, as OneFile works it out; never to be worked out again."),
        f.CLIENTS.number("PercentOfPlanned", "Share of the planned hours that is done, in per cent."),
        f.CLIENTS.number(
            "CachedActualHours", "Hours done, as OneFile last worked them out; lags behind the time sheets."
        ),
    )


class Timesheets(PerLearnerStream):
    """Entries of the learners' time sheets: the off-the-job log.

    Whether OneFile gives them an id is not known. `EntryKey` is made of the learner's id and the entry's where one
    comes; otherwise of the learner, the period and the category, plus a number where these are the same. It is stable
    then when the comment or the mark of an entry changes; an entry whose period or category changes becomes a new one.
    """

    name = "timesheets"
    path = "Timesheet/Learner/{learner}"
    row_key = None
    primary_keys = ("EntryKey",)
    learner_field = "LearnerID"
    schema = f.record(
        f.SEARCH.text_key("EntryKey", "Key of the entry, made by the tap."),
        f.SIMILAR.reference("ID", "Id of the entry, where OneFile gives one."),
        f.SEARCH.reference("LearnerID", "Id of the learner; from the call where the row does not say."),
        f.SEARCH.reference("OrganisationID", "Id of the organisation; from the call, not the row."),
        f.CLIENT.text("TimesheetCategory", "Category."),
        f.CLIENT.timestamp("FromDate", "When the activity began."),
        f.CLIENT.timestamp("ToDate", "When the activity ended."),
        f.CLIENT.text("Comments", "Comments; may be long.", f.PERSONAL),
        f.CLIENT.flag("IsOffTheJob", "Whether the time counts as off-the-job training."),
    )

    @override
    def get_rows(self, context: Mapping[str, Any]) -> Iterable[Row]:
        for rows in self.get_rows_by_learner(context):
            yield from self._keyed(rows[0][self.learner_field], rows)

    def _keyed(self, learner: object, rows: list[Row]) -> Iterator[Row]:
        """Yield the entries of a learner with their keys."""
        alike: Counter[tuple[object, ...]] = Counter()
        ids = [next((row[name] for name in _ENTRY_IDS if not is_silent(row, name)), None) for row in rows]
        # The id may be the learner's, as in off_the_job.
        is_own = None not in ids and str(learner) not in map(str, ids) and len(set(map(_normalised, ids))) == len(ids)
        for row, entry_id in zip(rows, ids, strict=True):
            if is_own and not isinstance(entry_id, Unreadable):
                yield {**row, "ID": entry_id, "EntryKey": f"{learner}-{entry_id}"}
                continue
            entry = tuple(_normalised(row.get(name)) for name in _ENTRY)
            alike[entry] += 1
            key = hashlib.sha256(repr((*entry, alike[entry])).encode("utf-8", "replace")).hexdigest()[:32]
            # A key made of something else than the entry would be another one next time.
            is_readable = not any(isinstance(row.get(name), Unreadable) for name in _ENTRY)
            yield {**row, "ID": None, "EntryKey": key if is_readable else None}


def _normalised(value: object) -> str:
    """Return a value as text, the same however OneFile spells it, so that keys are stable."""
    return attempt(to_timestamp, value, "" if value is None else str(value))
