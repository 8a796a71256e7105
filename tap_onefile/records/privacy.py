"""Which personal data a run lets through: the settings `special_category_data` and `personal_data`.

A withheld field is in neither the catalog nor a record, whatever a catalog file or a stream map asks for.
"""

from __future__ import annotations

import enum
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_onefile.errors import SettingsError
from tap_onefile.records.convert import converter_for
from tap_onefile.records.fields import DATA_CLASS, MATCHING, PERSONAL, PSEUDONYM, SPECIAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Schema = dict[str, Any]


class PersonalData(enum.StrEnum):
    """How personal fields are treated."""

    INCLUDE = "include"
    PSEUDONYMISE = "pseudonymise"
    EXCLUDE = "exclude"


SHORTEST_KEY = 32
"""The minimum of characters in a pseudonym key: 128 bits if they are hexadecimal digits."""

_IN_WORDS = {
    PersonalData.INCLUDE: "read as they are",
    PersonalData.PSEUDONYMISE: "replaced by pseudonyms",
    PersonalData.EXCLUDE: "left out",
}


@dataclass(frozen=True, slots=True)
class Privacy:
    """Decides for each field whether its values leave the tap, and in what form.

    Special category fields leave it only on request; `personal_data` does not affect them. Ids, and fields that serve
    to match records with another system (`MISID`), stay as they are.
    """

    special_category: bool = False
    personal: PersonalData = PersonalData.INCLUDE
    key: bytes | None = field(default=None, repr=False)
    """The secret that pseudonyms are made with."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Privacy:
        """Read the settings, even before the others are complete, as in discovery."""
        key = config.get("pseudonym_key")
        return cls(
            special_category=config.get("special_category_data") is True,
            personal=PersonalData(config.get("personal_data") or PersonalData.INCLUDE),
            key=key.encode() if key else None,
        )

    def lets_through(self, rule: Schema) -> bool:
        """Return whether a field is in the catalog and in records."""
        if rule[DATA_CLASS] == SPECIAL:
            return self.special_category
        return not (_is_personal(rule) and self.personal is PersonalData.EXCLUDE)

    def protect(self, schema: Schema) -> Schema:
        """Return the schema of a run from a stream's whole schema. A pseudonym is text, whatever it stands for."""
        rules = schema["properties"]
        return {
            **schema,
            "properties": {name: self._protected(rule) for name, rule in rules.items() if self.lets_through(rule)},
        }

    def converter_for(self, rule: Schema) -> Callable[[Any], Any]:
        """Return the converter of a field; it raises ``ValueError`` for misfits."""
        convert = converter_for(rule)
        if not self.pseudonymises(rule):
            return convert

        def converted(value: object) -> str | None:
            plain = str(convert(value)).strip()
            # Whoever has left a field blank does not share it with others.
            return self.pseudonym(plain) if plain else None

        return converted

    def pseudonymises(self, rule: Schema) -> bool:
        """Return whether the values of a field are replaced by pseudonyms."""
        return _is_personal(rule) and self.personal is PersonalData.PSEUDONYMISE

    def pseudonym(self, value: object) -> str:
        """Return the pseudonym of a value: HMAC-SHA-256 in hexadecimal, keyed by `pseudonym_key`.

        It is the same in every stream, and in every run with the same key. Values that differ only in case or in
        surrounding whitespace share a pseudonym.
        """
        if not self.key:
            raise SettingsError("The setting personal_data is pseudonymise, which needs the setting pseudonym_key.")
        return hmac.digest(self.key, str(value).strip().lower().encode(), "sha256").hex()

    def in_words(self) -> str:
        """Return the treatment in force, for the log of the run."""
        special = "read" if self.special_category else "left out"
        return f"Personal fields are {_IN_WORDS[self.personal]}; special category fields are {special}"

    def _protected(self, rule: Schema) -> Schema:
        if not self.pseudonymises(rule):
            return rule
        description = f"{rule['description']} Replaced by a pseudonym."
        return {"type": ["string", "null"], "description": description, DATA_CLASS: PERSONAL, PSEUDONYM: True}


def _is_personal(rule: Schema) -> bool:
    return bool(rule[DATA_CLASS] == PERSONAL and not rule.get(MATCHING))
