"""What a stream's schema says of its fields."""

from __future__ import annotations

from tap_onefile.records import fields


def test_a_schema_tells_the_type_and_what_data_protection_law_makes_of_each_field() -> None:
    schema = fields.record(
        fields.SIMILAR.identity("learner"),
        fields.SIMILAR.text("Ethnicity", "A group.", fields.SPECIAL),
        fields.SIMILAR.timestamp("DOB", "A date of birth.", fields.PERSONAL),
    )

    assert schema["required"] == ["ID"]
    assert list(schema["properties"]) == ["ID", "Ethnicity", "DOB"]
    classes = [field[fields.DATA_CLASS] for field in schema["properties"].values()]
    assert classes == [fields.NOT_PERSONAL, fields.SPECIAL, fields.PERSONAL]
    assert schema["properties"]["DOB"]["format"] == "date-time"
