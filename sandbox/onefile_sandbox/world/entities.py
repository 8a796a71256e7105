"""What the API can be asked for: one declaration for each entity."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Compare = Literal["name", "part", "same", "number"]

ORGANISATION_NOT_FOUND = -11
PLACEMENT_NOT_FOUND = -57
CLASSROOM_NOT_FOUND = -58
# No source shows a code for these; the number is a guess.
SOMETHING_NOT_FOUND = -59


@dataclass(frozen=True)
class Entity:
    """One entity.

    Attributes:
        name: Its name in paths.
        streams: The streams that it serves; several only for users.
        thin: The fields of an unpaged row.
        filters: Parameters that must match, and how they are compared.
        fields: The fields that filters of another name look at.
        in_organisations: Whether a search can be narrowed by OrganisationID.
        owner: The parameter that narrows a search to what hangs from one user.
        needs_owner: Whether there is no search without it: never, always, or as `learning_without_user` says.
        has_window: Whether DateFrom and DateTo narrow a search.
        has_details: Whether it is only `GET {Entity}/{id}` that tells all, unless `detail_in_search` says otherwise.
        is_looked_up: Whether it is told by a path of its own and not by a search.
        is_read: Whether there is a `GET {Entity}/{id}`.
        unsent: Fields that a row is known to have but that are never sent.
        carried: Of these, the ones that a perfect reader knows all the same, from what it asked for.
        guessed: The fields that no source shows in an answer.
        not_found: The error code for an id that is not there.
    """

    name: str
    streams: tuple[str, ...]
    thin: tuple[str, ...] = ()
    filters: dict[str, Compare] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    in_organisations: bool = True
    parent: str = ""
    needs_parent: Literal["never", "always", "as-told"] = "never"
    has_window: bool = False
    has_details: bool = False
    is_looked_up: bool = False
    is_read: bool = True
    unsent: frozenset[str] = frozenset()
    carried: tuple[str, ...] = ("OrganisationID",)
    guessed: tuple[str, ...] = ()
    not_found: int = SOMETHING_NOT_FOUND


_OF_AN_AIM = ("RegistrationNumber", "RegistrationDate", "CertificateAppliedDate", "AchievedDate")

CUSTOMER = Entity("Customer", ("customers",), thin=("ID", "Name"))
ENTITIES = {
    entity.name: entity
    for entity in (
        Entity(
            "Organisation",
            ("organisations",),
            thin=("ID", "Name", "KeychainCreationForNewUserActive", "KeychainEmailSuppression"),
            filters={"CustomerID": "number", "Name": "name"},
            in_organisations=False,
            unsent=frozenset({"CustomerID"}),
            not_found=ORGANISATION_NOT_FOUND,
        ),
        Entity(
            "User",
            (
                "learners", "archived_learners", "trainee_assessors", "assessors", "iqas",
                "lead_iqas", "employers", "observers", "eqas", "centre_monitors",
                "user_managers", "centre_managers",
            ),
            thin=("ID", "FirstName", "LastName", "MISID"),
            filters={
                "FirstName": "name",
                "LastName": "name",
                "Email": "same",
                "MISID": "same",
                "PlacementID": "number",
            },
            guessed=(
                "Role", "OrganisationID", "DefaultAssessorID", "DefaultEmployerID", "ProviderID", "CreatedOn",
                "CompanyName", "Website", "WorkAddress", "CentreRegister", "L15", "L16", "SupportFunding",
                "LearnerStatusID", "PrimaryLLDDCode", "SecondaryLLDDCodes", "LearningDifficultyAndDisabilityID",
            ),
        ),
        Entity(
            "Classroom",
            ("classrooms",),
            thin=("ID", "Name", "MISID"),
            filters={"Name": "name"},
            unsent=frozenset({"OrganisationID"}),
            guessed=("StartOn", "Archive", "CompletionMessage", "SendCompletionMessage", "IVFinalSignOff"),
            not_found=CLASSROOM_NOT_FOUND,
        ),
        Entity(
            "Placement",
            ("placements",),
            thin=("ID", "Name", "MISID"),
            filters={"Name": "name"},
            guessed=("MISID", "OrganisationID", "Contact", "Email", "Fax", "Telephone", "Web"),
            not_found=PLACEMENT_NOT_FOUND,
        ),
        Entity(
            "Provider",
            ("providers",),
            thin=("ID", "Name"),
            filters={"Name": "name"},
            unsent=frozenset({"OrganisationID"}),
        ),
        Entity(
            "Standard",
            ("standards",),
            thin=("ID", "Title"),
            filters={"CustomerID": "number", "ID": "number", "Title": "part"},
            unsent=frozenset({"CustomerID"}),
            guessed=("Level",),
        ),
        Entity(
            "Unit",
            ("units",),
            thin=("ID", "Title", "NDAQCode", "Display"),
            filters={"StandardID": "number", "Title": "part"},
            unsent=frozenset({"StandardID"}),
            carried=("StandardID",),
        ),
        Entity(
            "FrameworkTemplate",
            ("framework_templates",),
            thin=("ID", "Title"),
            is_read=False,
            unsent=frozenset({"OrganisationID"}),
            guessed=("ID", "Title"),
        ),
        Entity(
            "LearningAim",
            ("learning_aims",),
            thin=("ID", "StandardID", "UserID", "Status"),
            filters={"LearningAimCompletionStatus": "number"},
            fields={"LearningAimCompletionStatus": "Status"},
            in_organisations=False,
            parent="UserID",
            needs_parent="as-told",
            has_window=True,
            unsent=frozenset({"OrganisationID"}),
            carried=(),
            guessed=("StartDate", "PlannedEnd", *_OF_AN_AIM),
        ),
        Entity(
            "UnitSummary",
            ("unit_summaries",),
            thin=("ID", "UnitID"),
            in_organisations=False,
            parent="UserID",
            needs_parent="always",
            is_read=False,
            unsent=frozenset({"OrganisationID", "UserID"}),
            carried=("UserID", "OrganisationID"),
            guessed=("ID", "UnitID", "Title", "Progress"),
        ),
        Entity(
            "Review",
            ("reviews",),
            thin=("ID", "ScheduledFor"),
            filters={"Status": "number"},
            parent="LearnerID",
            has_window=True,
            has_details=True,
            unsent=frozenset({"OrganisationID"}),
            guessed=("Status", "EndTime"),
        ),
        Entity(
            "Plan",
            ("plans",),
            thin=("ID", "PlanOn"),
            parent="LearnerID",
            has_details=True,
            unsent=frozenset({"OrganisationID"}),
            guessed=("StatusID",),
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """What is told of one record by a path of its own.

    Attributes:
        entity: The entity of the record, which must be there.
        word: The path's word.
        entry: What is told.
        is_list: Whether it is a list, or one object.
    """

    entity: str
    word: str
    entry: Entity
    is_list: bool = True


_OF_AN_ORGANISATION = frozenset({"_Key", "OrganisationID"})
_OF_A_LEARNER = frozenset({"_Key", "LearnerID", "OrganisationID"})


def _look_up(stream: str, name: str) -> Entity:
    guessed = ("ID", name)
    return Entity(stream, (stream,), is_looked_up=True, is_read=False, unsent=_OF_AN_ORGANISATION, guessed=guessed)


def _of_a_learner(stream: str) -> Entity:
    return Entity(
        stream,
        (stream,),
        is_looked_up=True,
        is_read=False,
        unsent=_OF_A_LEARNER,
        carried=("LearnerID", "OrganisationID"),
    )


PARTS = {
    (part.entity, part.word): part
    for part in (
        Part("Organisation", "LearnerStatuses", _look_up("learner_statuses", "Name")),
        Part("Organisation", "LearningAimStatuses", _look_up("learning_aim_statuses", "Name")),
        Part("Organisation", "AssignedStandards", _look_up("assigned_standards", "Title")),
        Part("User", "UnitSummary", ENTITIES["UnitSummary"]),
        Part("User", "OffTheJob", _of_a_learner("off_the_job"), is_list=False),
        Part("Timesheet", "Learner", _of_a_learner("timesheets")),
    )
}

ENTITY_OF = {
    stream: entity
    for entity in (*ENTITIES.values(), *(part.entry for part in PARTS.values()))
    for stream in entity.streams
}
