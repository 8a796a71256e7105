"""What a record has that was added by hand, beside what the one who adds it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onefile_sandbox.world.children import ChildTable
from onefile_sandbox.world.people import ROLES
from onefile_sandbox.world.progress import with_plan_status, with_review_status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from onefile_sandbox.world.rows import Row, Value
    from onefile_sandbox.world.table import Table

FIRST_NEW_ID = 9_000_001
"""Where the ids of added people and places begin: above every invented one."""
FIRST_NEW_CHILD = 100_000_001
"""Where the ids of added records that hang from others begin."""


class Additions:
    """Begins new records."""

    def __init__(self, customer_id: Value) -> None:
        """Begin with the first new ids.

        Args:
            customer_id: The customer.
        """
        self._customer_id = customer_id
        self._latest = FIRST_NEW_ID - 1
        self._latest_child = FIRST_NEW_CHILD - 1

    def begin(self, table: Table, organisation_id: int | None, parent_id: Value, stamp: datetime) -> Row:
        """Give a record what it must have.

        Args:
            table: Where it will be.
            organisation_id: Its organisation; not asked for where there is an owner.
            owner_id: Whom it hangs from, if it does.
            stamp: The moment, as OneFile's clock has it.

        Returns:
            The record, with a new id.
        """
        if isinstance(table, ChildTable):
            return self._child(table, parent_id, stamp)
        self._latest += 1
        row: Row = {"ID": self._latest}
        if table.stream == "organisations":
            row.update(
                CustomerID=self._customer_id,
                Name=f"Organisation {row['ID']}",
                KeychainCreationForNewUserActive=False,
                KeychainEmailSuppression=False,
            )
        elif table.stream in ROLES:
            row.update(OrganisationID=organisation_id, FirstName="New", LastName="Person", MISID=f"NEW{row['ID']}")
            row.update(Role=ROLES[table.stream], CreatedOn=stamp, LastModified=stamp)
        elif table.stream == "standards":
            row.update(CustomerID=self._customer_id, Title=f"New {row['ID']}", Level=None)
        elif table.stream == "units":
            row = {"ID": f"NEW_{row['ID']}", "StandardID": None, "Title": "New", "NDAQCode": None, "Display": None}
        else:
            row.update(OrganisationID=organisation_id, Name=f"New {row['ID']}")
        return row

    def _child(self, table: ChildTable, parent_id: Value, stamp: datetime) -> Row:
        self._latest_child += 1
        row: Row = {table.parent: parent_id, table.key: self._latest_child}
        if table.stream == "off_the_job":
            # There is one for each learner, and it has the learner's id.
            row["ID"] = parent_id
        row.update(_FIELDS.get(table.stream, {}))
        if table.stream == "reviews":
            row["CreatedOn"] = stamp
        return row


def settled(stream: str, row: Row, given: Mapping[str, Value]) -> Row:
    """Set what follows from a record's other fields, unless it was given."""
    follows = {"reviews": ("Status", with_review_status), "plans": ("StatusID", with_plan_status)}
    name, settle = follows.get(stream, ("", _as_it_is))
    return row if name in given else settle(row)


def _as_it_is(row: Row) -> Row:
    return row


_SIGNATURES = ("AssessorSignedOn", "LearnerSignedOn")
_REST_OF_A_REVIEW = ("EmployerSignedOn", "VisitID", "Progress", "EndTime")
_HOURS = (
    "ContractedHours", "TargetPercentage", "PlannedOTJ", "Duration", "MethodOfCalculatingOTJ", "MinimumOTJ",
    "PercentOfPlanned", "CachedActualHours",
)  # fmt: skip
_FIELDS: dict[str, Row] = {
    "learner_statuses": {"Name": "New"},
    "learning_aim_statuses": {"ID": 9, "Name": "New"},
    "assigned_standards": {"ID": 0, "Title": "New"},
    "framework_templates": {"Title": "New"},
    "learning_aims": {
        "StandardID": None,
        "Status": 0,
        "Progress": 0.0,
        **dict.fromkeys(("StartDate", "PlannedEnd", "RegistrationNumber", "RegistrationDate")),
        **dict.fromkeys(("CertificateAppliedDate", "AchievedDate")),
    },
    "unit_summaries": {"UnitID": None, "Title": "New", "Progress": 0.0},
    "reviews": dict.fromkeys(
        ("AssessorID", "EmployerID", "ScheduledFor", "StartedOn", *_SIGNATURES, *_REST_OF_A_REVIEW)
    ),
    "plans": {"Title": "New", **dict.fromkeys(("PlanOn", *_SIGNATURES))},
    "off_the_job": dict.fromkeys(_HOURS),
    "timesheets": {
        "TimesheetCategory": "New",
        **dict.fromkeys(("FromDate", "ToDate", "Comments")),
        "IsOffTheJob": True,
    },
}
