"""The entities of the API: one declaration says what can be asked of each, and what its records are.

To add a stream, declare its entity here; only one without a parent needs a table of its own, in tables.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

from onefile_sandbox.world import learning, look_ups, off_the_job, progress
from onefile_sandbox.world.people import LEARNER_STATUSES, ROLES
from onefile_sandbox.world.table import SLOTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from onefile_sandbox.world.population import Population
    from onefile_sandbox.world.table import Row, Value


@dataclass(frozen=True)
class New:
    """What is known of a record that is being added, whatever its entity."""

    stream: str
    id: int
    customer_id: Value
    organisation_id: Value
    parent_id: Value
    stamp: datetime


def _named(new: New) -> Row:
    return {"OrganisationID": new.organisation_id, "Name": f"New {new.id}"}


@dataclass(frozen=True)
class Entity:
    """One entity.

    Attributes:
        streams: The streams that it serves; several only for users.
        thin: The fields of an unpaged row.
        filters: Parameters that must match, and how they are compared.
        fields: The fields that filters of another name look at.
        in_organisations: Whether a search can be narrowed by OrganisationID.
        needs_parent: Whether there is no search without the parent: never, always, or as `learning_without_user` says.
        window: The field that DateFrom and DateTo narrow a search by.
        has_details: Whether only `GET {Entity}/{id}` gives all fields, unless `detail_in_search` says otherwise.
        part: The two words of the path that gives the records of one parent.
        is_single: Whether that path gives one object, not a list.
        unsent: Fields of a row that are never sent.
        carried: Of these, the ones that a perfect reader knows all the same, from what it asked for.
        not_found: The error code for an id that is not there; where no source shows one, it is a guess.
        parent: The field that holds the parent's id, for records that go when their parent goes.
        count: How many records a parent has at the start.
        make: Invents a record from its id, which is the parent's id times `slots`, plus its place among the siblings.
        slots: How many ids each parent has for its first records.
        key: The field that identifies a record; not ID where ids repeat or are not sent.
        new: What a record has that is added later, unless the caller says otherwise.
        derived: A field that follows from others, and what sets it.
    """

    name: str
    streams: tuple[str, ...]
    thin: tuple[str, ...] = ()
    filters: dict[str, Literal["name", "part", "same", "number"]] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    in_organisations: bool = True
    needs_parent: Literal["never", "always", "as-configured"] = "never"
    window: str = ""
    has_details: bool = False
    is_searched: bool = True
    is_read: bool = True
    part: tuple[str, str] | None = None
    is_single: bool = False
    unsent: tuple[str, ...] = ("OrganisationID",)
    carried: tuple[str, ...] = ("OrganisationID",)
    not_found: int = -59
    parent: str = ""
    count: Callable[[Population, int], int] | None = None
    make: Callable[[Population, int], Row] | None = None
    slots: int = SLOTS
    columns: dict[str, Callable[[Population, int], Value]] = field(default_factory=dict)
    key: str = "ID"
    moments: tuple[str, ...] = ()
    new: Callable[[New], Row] = _named
    derived: tuple[str, Callable[[Row], Row]] | None = None

    @property
    def learner_field(self) -> str:
        """The parameter that narrows a search to the records of one learner, if there is one."""
        return "" if self.parent == "OrganisationID" else self.parent


_REGISTRATION = ("RegistrationNumber", "RegistrationDate", "CertificateAppliedDate", "AchievedDate")
_SIGNATURES = ("AssessorSignedOn", "LearnerSignedOn")

_list_of_organisation = partial(
    Entity, is_searched=False, is_read=False, parent="OrganisationID", unsent=("_Key", "OrganisationID")
)
_part_of_learner = partial(
    Entity,
    is_searched=False,
    is_read=False,
    parent="LearnerID",
    unsent=("_Key", "LearnerID", "OrganisationID"),
    carried=("LearnerID", "OrganisationID"),
)
CUSTOMER = Entity("Customer", ("customers",), thin=("ID", "Name"))
_ALL = (
    Entity(
        "Organisation", ("organisations",),
        thin=("ID", "Name", "KeychainCreationForNewUserActive", "KeychainEmailSuppression"),
        filters={"CustomerID": "number", "Name": "name"}, in_organisations=False, not_found=-11,
        unsent=("CustomerID",),
        new=lambda new: {
            "CustomerID": new.customer_id,
            "Name": f"Organisation {new.id}",
            "KeychainCreationForNewUserActive": False,
            "KeychainEmailSuppression": False,
        },
    ),
    Entity(
        "User", tuple(ROLES), thin=("ID", "FirstName", "LastName", "MISID"),
        filters={"FirstName": "name", "LastName": "name", "Email": "same", "MISID": "same", "PlacementID": "number"},
        unsent=(),
        moments=("CentreRegister", "CreatedOn", "DOB", "LastModified", "PlannedEndDate", "StartOn"),
        new=lambda new: {
            "OrganisationID": new.organisation_id,
            "FirstName": "New",
            "LastName": "Person",
            "MISID": f"NEW{new.id}",
            "Role": ROLES[new.stream],
            "CreatedOn": new.stamp,
            "LastModified": new.stamp,
        },
    ),
    Entity(
        "Classroom", ("classrooms",), thin=("ID", "Name", "MISID"), filters={"Name": "name"}, not_found=-58,
        moments=("StartOn",),
    ),
    Entity(
        "Placement", ("placements",), thin=("ID", "Name", "MISID"), filters={"Name": "name"}, not_found=-57,
        unsent=(),
    ),
    Entity("Provider", ("providers",), thin=("ID", "Name"), filters={"Name": "name"}),
    Entity(
        "Standard", ("standards",), thin=("ID", "Title"),
        filters={"CustomerID": "number", "ID": "number", "Title": "part"},
        unsent=("CustomerID",),
        new=lambda new: {"CustomerID": new.customer_id, "Title": f"New {new.id}", "Level": None},
    ),
    Entity(
        "Unit", ("units",), thin=("ID", "Title", "NDAQCode", "Display"),
        filters={"StandardID": "number", "Title": "part"},
        unsent=("StandardID",), carried=("StandardID",),
        new=lambda new: {
            "ID": f"NEW_{new.id}", "StandardID": None, "Title": "New", "NDAQCode": None, "Display": None,
        },
    ),
    Entity(
        "FrameworkTemplate", ("framework_templates",), thin=("ID", "Title"), is_read=False,
        parent="OrganisationID", count=look_ups.framework_templates, make=look_ups.framework_template,
        new=lambda _: {"Title": "New"},
    ),
    Entity(
        "LearningAim", ("learning_aims",), thin=("ID", "StandardID", "UserID", "Status"),
        filters={"LearningAimCompletionStatus": "number"}, fields={"LearningAimCompletionStatus": "Status"},
        in_organisations=False, needs_parent="as-configured", window="AchievedDate",
        carried=(),
        parent="UserID", count=learning.aims, make=learning.aim,
        moments=("StartDate", "PlannedEnd", "RegistrationDate", "CertificateAppliedDate", "AchievedDate"),
        new=lambda _: {
            "StandardID": None,
            "Status": 0,
            "Progress": 0.0,
            **dict.fromkeys(("StartDate", "PlannedEnd", *_REGISTRATION)),
        },
    ),
    Entity(
        "UnitSummary", ("unit_summaries",), thin=("ID", "UnitID"), is_read=False, part=("User", "UnitSummary"),
        in_organisations=False, needs_parent="always",
        unsent=("OrganisationID", "UserID"), carried=("UserID", "OrganisationID"),
        parent="UserID", count=learning.summaries, make=learning.summary,
        new=lambda _: {"UnitID": None, "Title": "New", "Progress": 0.0},
    ),
    Entity(
        "Review", ("reviews",), thin=("ID", "ScheduledFor"), has_details=True,
        filters={"Status": "number"}, window="ScheduledFor",
        parent="LearnerID", count=progress.REVIEWS.count, make=progress.review,
        columns={"ScheduledFor": progress.scheduled}, derived=("Status", progress.with_review_status),
        moments=("CreatedOn", "ScheduledFor", "StartedOn", *_SIGNATURES, "EmployerSignedOn", "EndTime"),
        new=lambda new: {
            **dict.fromkeys(("AssessorID", "EmployerID", "ScheduledFor", "StartedOn", *_SIGNATURES)),
            **dict.fromkeys(("EmployerSignedOn", "VisitID", "Progress", "EndTime")),
            "CreatedOn": new.stamp,
        },
    ),
    Entity(
        "Plan", ("plans",), thin=("ID", "PlanOn"), has_details=True,
        parent="LearnerID", count=progress.PLANS.count, make=progress.plan,
        derived=("StatusID", progress.with_plan_status), moments=("PlanOn", *_SIGNATURES),
        new=lambda _: {"Title": "New", **dict.fromkeys(("PlanOn", *_SIGNATURES))},
    ),
    _list_of_organisation(
        "LearnerStatus", ("learner_statuses",), part=("Organisation", "LearnerStatuses"),
        count=lambda *_: len(LEARNER_STATUSES), make=look_ups.learner_status,
        new=lambda _: {"Name": "New"},
    ),
    _list_of_organisation(
        "LearningAimStatus", ("learning_aim_statuses",), part=("Organisation", "LearningAimStatuses"),
        count=lambda *_: len(look_ups.AIM_STATUSES), make=look_ups.learning_aim_status, key="_Key",
        new=lambda _: {"ID": 9, "Name": "New"},
    ),
    _list_of_organisation(
        "AssignedStandard", ("assigned_standards",), part=("Organisation", "AssignedStandards"),
        count=look_ups.assigned_standards, make=look_ups.assigned_standard, slots=look_ups.MOST_ASSIGNED, key="_Key",
        new=lambda _: {"ID": 0, "Title": "New"},
    ),
    _part_of_learner(
        "OffTheJob", ("off_the_job",), part=("User", "OffTheJob"), is_single=True,
        count=off_the_job.has_hours, make=off_the_job.hours, slots=1,
        # There is one for each learner, and it has the learner's id.
        new=lambda new: {
            "ID": new.parent_id,
            **dict.fromkeys(("ContractedHours", "TargetPercentage", "PlannedOTJ", "Duration")),
            **dict.fromkeys(("MethodOfCalculatingOTJ", "MinimumOTJ", "PercentOfPlanned", "CachedActualHours")),
        },
    ),
    _part_of_learner(
        "Timesheet", ("timesheets",), part=("Timesheet", "Learner"),
        count=off_the_job.entries, make=off_the_job.logged, slots=off_the_job.TIMESHEET_SLOTS, key="_Key",
        moments=("FromDate", "ToDate"),
        new=lambda _: {
            "TimesheetCategory": "New",
            **dict.fromkeys(("FromDate", "ToDate", "Comments")),
            "IsOffTheJob": True,
        },
    ),
)  # fmt: skip

ENTITIES = {entity.name: entity for entity in _ALL if entity.is_searched}
PARTS = {entity.part: entity for entity in _ALL if entity.part}
ENTITY_OF = {stream: entity for entity in _ALL for stream in entity.streams}
