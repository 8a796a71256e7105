"""The qualification catalogue: standards, units and framework templates."""

from __future__ import annotations

from tap_onefile.fields import flag, identity, integer, owner, record, reference, text, text_identity
from tap_onefile.streams.organisations import LookUpStream, SharedStream


class Standards(SharedStream):
    """Standards (qualifications) that an organisation can assign to its learners."""

    name = "standards"
    entity = "Standard"
    has_details = True
    schema = record(
        identity("standard"),
        owner("Id of the organisation whose search found the standard."),
        text("Title", "Title of the standard."),
        # Not shown anywhere: guesses after the screens.
        text("Reference", "Reference of the standard."),
        text("Level", "Level of the standard."),
        flag("Active", "Whether the standard is in use."),
    )


class Units(SharedStream):
    """Units of the standards. Their ids are texts."""

    name = "units"
    entity = "Unit"
    has_details = True
    schema = record(
        text_identity("unit", "such as 2017XYZ_0_1"),
        owner("Id of the organisation whose search found the unit."),
        text("Title", "Title of the unit."),
        text("NDAQCode", "Code in the national database of accredited qualifications."),
        text("Display", "How the unit is shown."),
        # Not shown anywhere: a guess after the filter of the same name.
        reference("StandardID", "Id of the standard."),
    )


class FrameworkTemplates(SharedStream):
    """Framework templates: bundles of standards and units to assign at once."""

    name = "framework_templates"
    entity = "FrameworkTemplate"
    schema = record(
        identity("framework template"),
        owner("Id of the organisation whose search found the template."),
        # Not shown anywhere: guesses after the other entities.
        text("Name", "Name of the template."),
        text("Title", "Title of the template."),
        flag("Active", "Whether the template is in use."),
    )


class LearnerStatuses(LookUpStream):
    """What the numbers in `LearnerStatusID` mean; each organisation defines its own."""

    name = "learner_statuses"
    path = "LearnerStatuses"
    # No field is shown anywhere: guesses after the other entities.
    schema = record(
        identity("status"),
        owner("Id of the organisation."),
        text("Name", "Name of the status."),
        integer("SortOrder", "Place of the status in lists."),
        flag("Active", "Whether the status is in use."),
    )


class LearningAimStatuses(LookUpStream):
    """What the numbers in the `Status` of a learning aim mean; each organisation defines its own."""

    name = "learning_aim_statuses"
    path = "LearningAimStatuses"
    # No field is shown anywhere: guesses after the other entities.
    schema = record(
        identity("status"),
        owner("Id of the organisation."),
        text("Name", "Name of the status."),
        integer("SortOrder", "Place of the status in lists."),
        flag("Active", "Whether the status is in use."),
    )


class AssignedStandards(LookUpStream):
    """Standards that are assigned to learners of an organisation."""

    name = "assigned_standards"
    path = "AssignedStandards"
    # No field is shown anywhere: guesses after Standard.
    schema = record(
        identity("standard"),
        owner("Id of the organisation."),
        text("Title", "Title of the standard."),
        integer("LearnerCount", "Learners that the standard is assigned to."),
    )
