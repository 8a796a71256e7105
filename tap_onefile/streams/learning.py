"""What learners are enrolled on, and how far they have come with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_onefile.evidence import CLIENT, SEARCH, SIMILAR, UNDER_OTHER_NAMES, WRITTEN, known
from tap_onefile.fields import PERSONAL, identity, instant, integer, number, record, reference, text
from tap_onefile.reads import Search
from tap_onefile.streams.each_learner import EachLearnerStream
from tap_onefile.streams.organisations import CustomerStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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
            instant("StartDate", "Start of the aim."),
            instant("PlannedEnd", "Planned end of the aim."),
            text("RegistrationNumber", "Number of the registration with the awarding body.", PERSONAL),
            instant("RegistrationDate", "When the learner was registered."),
            instant("CertificateAppliedDate", "When the certificate was applied for."),
            instant("AchievedDate", "When the aim was achieved."),
        ),
        *known(
            UNDER_OTHER_NAMES,
            instant("CertificateReceivedDate", "When the certificate came."),
            integer("TotalElements", "Elements to be done."),
            integer("ElementsDone", "Elements done."),
        ),
    )

    @override
    def get_filters(self, context: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    @override
    def estimate_calls(self, context: Mapping[str, Any]) -> int:
        organisations = self.onefile.settings.organisation_ids
        if organisations is None:
            return super().estimate_calls(context)
        return sum(
            _CALLS_FOR_EACH_LEARNER * len(self.onefile.learner_ids(organisation)) for organisation in organisations
        )

    @override
    def get_rows(self, context: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        organisations = self.onefile.settings.organisation_ids
        if organisations is None:
            yield from super().get_rows(context)
            return
        for organisation in sorted(organisations):
            learners = self.onefile.learner_ids(organisation)
            searches = [Search.of(self.entity, {"UserID": learner}, self.name) for learner in learners]
            for _, page in self.get_many(searches):
                yield from self.complete(page)


class UnitSummaries(EachLearnerStream):
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
            instant("CompletedOn", "When the unit was completed."),
        ),
    )
    learner_field = "UserID"
