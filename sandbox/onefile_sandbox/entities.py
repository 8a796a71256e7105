"""What the API can be searched for: one declaration for each entity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Compare = Literal["name", "same", "number"]

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
        unsent: Fields that a row is known to have but that are never sent.
        not_found: The error code for an id that is not there.
    """

    name: str
    streams: tuple[str, ...]
    thin: tuple[str, ...]
    filters: dict[str, Compare]
    unsent: frozenset[str] = frozenset()
    not_found: int = SOMETHING_NOT_FOUND


CUSTOMER = Entity("Customer", ("customers",), thin=("ID", "Name"), filters={})
ENTITIES = {
    entity.name: entity
    for entity in (
        Entity(
            "Organisation",
            ("organisations",),
            thin=("ID", "Name", "KeychainCreationForNewUserActive", "KeychainEmailSuppression"),
            filters={"CustomerID": "number", "Name": "name"},
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
        ),
        Entity(
            "Classroom",
            ("classrooms",),
            thin=("ID", "Name", "MISID"),
            filters={"Name": "name"},
            unsent=frozenset({"OrganisationID"}),
            not_found=CLASSROOM_NOT_FOUND,
        ),
        Entity(
            "Placement",
            ("placements",),
            thin=("ID", "Name", "MISID"),
            filters={"Name": "name"},
            not_found=PLACEMENT_NOT_FOUND,
        ),
        Entity(
            "Provider",
            ("providers",),
            thin=("ID", "Name"),
            filters={"Name": "name"},
            unsent=frozenset({"OrganisationID"}),
        ),
    )
}  # fmt: skip

ENTITY_OF = {stream: entity for entity in ENTITIES.values() for stream in entity.streams}
