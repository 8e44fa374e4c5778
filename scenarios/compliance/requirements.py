"""The requirements of the policy documents: where each stands, how strongly it is put, and how it is checked.

The texts are the project's own words; the documents themselves are not carried. A requirement's id is the key of its
message, so every output can print it in the reader's language.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO
from types import MappingProxyType
from typing import Literal, cast, get_args

#: How strongly a requirement is put, by its verb; glossary keys ``force_<force>``.
Force = Literal["must", "aim", "encourage"]
FORCES: tuple[Force, ...] = get_args(Force)
#: County codes from here on are synthetic: every document is read as an exercise.
SYNTHETIC_PREFIX = "99"


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A policy document; its title is the glossary key ``policy_document_<document_id>``.

    Attributes
    ----------
    document_id, number, date
        Number in the project's list, official number and date (empty: none is known).
    is_draft
        A draft binds nobody.
    """

    document_id: str
    number: str
    date: str
    is_draft: bool


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement.

    Attributes
    ----------
    requirement_id
        Id, which is also the message key of its text.
    document, section
        Where it stands.
    kind
        ``H`` numeric target or fixed place, ``D`` part of the network.
    force
        How strongly it is put.
    lead
        Who leads, where the document says it: glossary key ``lead_<lead>``; empty: not carried.
    check, argument
        Which check answers it, and with what.
    same_as
        Requirement that this one only says again; it takes its answer and is not counted.
    trap
        Known difficulty of reading it (docs/compliance.md).
    area_code
        First digits of the codes of the counties it is addressed to.
    """

    requirement_id: str
    document: PolicyDocument
    section: str
    kind: str
    force: Force
    lead: str
    check: str
    argument: str
    same_as: str
    trap: str
    area_code: str

    def is_for(self, county_code: str) -> bool:
        """Tell whether a county lies in the area; a synthetic one lies in all."""
        return county_code.startswith((self.area_code, SYNTHETIC_PREFIX))


def _rows(name: str) -> list[dict[str, str]]:
    source = (files("geodata") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(StringIO(source)))


@cache
def policy_documents() -> Mapping[str, PolicyDocument]:
    """Return the policy documents by their number in the list."""
    found = {
        row["document"]: PolicyDocument(row["document"], row["number"], row["date"], row["is_draft"] == "1")
        for row in _rows("policy_documents.csv")
    }
    return MappingProxyType(found)


@cache
def requirements() -> tuple[Requirement, ...]:
    """Return all requirements in the order of their ids."""
    return tuple(
        Requirement(
            requirement_id=row["key"],
            document=policy_documents()[row["document"]],
            section=row["section"],
            kind=row["kind"],
            force=cast("Force", row["force"]),
            lead=row["lead"],
            check=row["check"],
            argument=row["argument"],
            same_as=row["same_as"],
            trap=row["trap"],
            area_code=row["area_code"],
        )
        for row in _rows("requirements.csv")
    )
