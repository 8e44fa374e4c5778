"""Texts the planner sees: field terms from one glossary, sentences from message tables, each in English and Chinese.

Library code never builds a sentence; it names a key and hands over the figures. The text is made at the edge
(command, report, map) in the language asked for, so a result carries no language.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from io import StringIO
from types import MappingProxyType
from typing import Literal, get_args

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = get_args(Lang)

_EMPTY: Mapping[str, object] = MappingProxyType({})


@cache
def _table(kind: Literal["glossary", "messages"]) -> Mapping[str, Mapping[str, str]]:
    """Read the glossary, or all message tables, as key → language → text."""
    data = files("geodata") / "data"
    tables = sorted((f for f in (data / "messages").iterdir() if f.name.endswith(".csv")), key=lambda f: f.name)
    sources = [data / "glossary.csv"] if kind == "glossary" else [*tables, data / "requirements.csv"]
    rows: dict[str, Mapping[str, str]] = {}
    for source in sources:
        for row in csv.DictReader(StringIO(source.read_text(encoding="utf-8"))):
            if row["key"] in rows:
                msg = f"{source.name}: key {row['key']!r} stands twice"
                raise ValueError(msg)
            rows[row["key"]] = MappingProxyType({"en": row["en"], "zh": row["zh"]})
    return MappingProxyType(rows)


def label(key: str, lang: Lang) -> str:
    """Return the field's term for `key` (a column, table, kind, KPI, unit …) from the glossary.

    Raises
    ------
    KeyError
        If the glossary lacks the key.
    """
    return _table("glossary")[key][lang]


def has_label(key: str) -> bool:
    """Tell whether the glossary has a term for `key`."""
    return key in _table("glossary")


def text(key: str, lang: Lang, params: Mapping[str, object] = _EMPTY) -> str:
    """Return the sentence `key` of the message tables with its ``{named}`` figures filled in.

    A figure named ``unit`` is said in the reader's language.

    Raises
    ------
    KeyError
        If no message table has the key, or a figure it names is missing from `params`.
    """
    said = dict(params)
    if "unit" in said:
        said["unit"] = printed(str(said["unit"]), lang)
    return _table("messages")[key][lang].format_map(said)


@cache
def _words() -> Mapping[str, str]:
    """Read the units and sources of the default figures, English → Chinese."""
    source = files("geodata") / "data" / "parameter_words.csv"
    rows = csv.DictReader(StringIO(source.read_text(encoding="utf-8")))
    return MappingProxyType({row["en"]: row["zh"] for row in rows})


def printed(words: str, lang: Lang) -> str:
    """Return the unit or source of a default figure in the reader's language; any other text as it is."""
    return _words().get(words, words) if lang == "zh" else words


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence by key, with its figures; rendered late, in the reader's language.

    Attributes
    ----------
    key
        Key in a table under ``geodata/data/messages``.
    params
        Figures and names the sentence mentions. Values are plain str, int, float or bool.
    """

    key: str
    params: Mapping[str, object] = field(default_factory=dict)

    def text(self, lang: Lang) -> str:
        """Render the sentence."""
        return text(self.key, lang, self.params)
