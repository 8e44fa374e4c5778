"""Sheet, column and choice names people write, in Chinese and English, mapped to the canonical ones."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files
from io import StringIO
from types import MappingProxyType

from geodata.messages import LANGS, has_label, label
from geodata.schema_types import TableSpec
from geodata.schemas import LAYERS, SHEETS

#: Traditional → simplified forms that occur in the names of sheets and columns.
_FORMS = (
    "屬属 "
    "來来 個个 們们 備备 價价 內内 凍冻 劃划 劑剂 動动 區区 參参 員员 單单 國国 圍围 園园 圖图 場场 學学 "
    "實实 導导 層层 幾几 從从 態态 慮虑 應应 戶户 採采 據据 數数 時时 書书 業业 標标 櫃柜 權权 歷历 況况 "
    "測测 準准 溫温 漢汉 灣湾 營营 產产 發发 碼码 稱称 積积 級级 絡络 統统 經经 線线 編编 緯纬 縣县 總总 "
    "續续 聯联 臺台 莊庄 處处 號号 衛卫 規规 計计 設设 註注 說说 證证 護护 貨货 費费 資资 購购 車车 載载 "
    "輛辆 農农 運运 遞递 郵邮 鄉乡 醫医 銷销 鎖锁 鎮镇 鐘钟 門门 開开 間间 關关 際际 離离 電电 響响 項项 "
    "順顺 題题 類类 駐驻 驗验 點点 齡龄 "
)
_TO_SIMPLIFIED = {ord(pair[0]): pair[1] for pair in _FORMS.split()}
_TAIL_BRACKETS = re.compile(r"(?<=.)[\(\[【〔{][^()\[\]【】〔〕{}]*[\)\]】〕}]\s*$")
#: Sheets for people only; never read, never warned about.
_IGNORED_SHEETS = ("guide", "填写说明", "说明", "readme", "lists", "选项")

ROAD_COLUMNS = ("road_class", "surface", "is_oneway", "speed_kmh", "name")
BOUNDARY_COLUMNS = ("level", "code", "name")
WATER_COLUMNS = ("name",)
LAYER_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"roads": ROAD_COLUMNS, "boundary": BOUNDARY_COLUMNS, "water": WATER_COLUMNS}
)


@dataclass(frozen=True, slots=True)
class Alias:
    """One line of the alias table.

    Attributes
    ----------
    table
        Canonical table or layer; ``*`` for every table that has the column.
    column
        Canonical column; empty when the alias names the sheet itself.
    value
        Canonical choice; empty when the alias names the column.
    alias
        What people write.
    """

    table: str
    column: str
    value: str
    alias: str


def normalise(name: str) -> str:
    """Return a name as it is compared: width, case, traditional forms, spaces, signs and a unit in brackets removed."""
    text = unicodedata.normalize("NFKC", name).strip().lower().translate(_TO_SIMPLIFIED)
    text = _TAIL_BRACKETS.sub("", text)
    return re.sub(r"[\W_]+", "", text)


@cache
def alias_table() -> tuple[Alias, ...]:
    """Read ``geodata/data/aliases.csv``."""
    source = (files("geodata") / "data" / "aliases.csv").read_text(encoding="utf-8")
    return tuple(Alias(r["table"], r["column"], r["value"], r["alias"]) for r in csv.DictReader(StringIO(source)))


def is_ignored_sheet(name: str) -> bool:
    """Tell whether a sheet is there for people only."""
    return normalise(name) in {normalise(n) for n in _IGNORED_SHEETS}


@cache
def _sheet_names() -> Mapping[str, str]:
    names: dict[str, str] = {}
    for table in (*SHEETS, *LAYERS):
        names |= {normalise(n): table for n in (table, *_labels(f"table_{table}"))}
    names |= {normalise(a.alias): a.table for a in alias_table() if not a.column}
    return MappingProxyType(names)


@cache
def _column_names(table: str) -> Mapping[str, str]:
    columns = LAYER_COLUMNS[table] if table in LAYER_COLUMNS else SHEETS[table].column_names
    names: dict[str, str] = {}
    for a in alias_table():
        if a.table in {table, "*"} and a.column in columns and not a.value:
            names[normalise(a.alias)] = a.column
    for column in columns:
        names |= {normalise(n): column for n in (column, *_labels(column))}
    return MappingProxyType(names)


@cache
def _choice_names(table: str, column: str, choices: tuple[str, ...]) -> Mapping[str, str]:
    names: dict[str, str] = {}
    for a in alias_table():
        if a.table in {table, "*"} and a.column == column and a.value:
            names[normalise(a.alias)] = a.value
    for choice in choices:
        labels = [*_labels(f"{column}_{choice}"), *(_labels(f"table_{choice}") if column == "table" else ())]
        names |= {normalise(n): choice for n in (choice, *labels)}
    return MappingProxyType(names)


def resolve_sheet(name: str) -> str | None:
    """Return the canonical table (or layer) a sheet, file or layer name stands for, or None."""
    return _sheet_names().get(normalise(name))


def resolve_column(table: str, name: str) -> str | None:
    """Return the canonical column of `table` that a heading stands for, or None."""
    return _column_names(table).get(normalise(name))


def resolve_choice(table: str, column: str, choices: tuple[str, ...], value: str) -> str | None:
    """Return the canonical choice a cell stands for, or None."""
    return _choice_names(table, column, choices).get(normalise(value))


def nearest_sheet(name: str) -> str:
    """Return the known table nearest to `name`, as people see it: ``村庄 (villages)``."""
    return sheet_title(_nearest(name, _sheet_names()))


def nearest_column(table: str, name: str) -> str:
    """Return the known column of `table` nearest to `name`, as people see it: ``人口 (population)``."""
    return column_title(_nearest(name, _column_names(table)))


def sheet_title(table: str) -> str:
    """Return a table's name for a sentence of either language: ``村庄 (villages)``."""
    key = f"table_{table}"
    return f"{label(key, 'zh')} ({table})" if has_label(key) else table


def column_title(column: str) -> str:
    """Return a column's name for a sentence of either language: ``人口 (population)``."""
    return f"{label(column, 'zh')} ({column})" if has_label(column) else column


def choices_title(table: TableSpec, column: str) -> str:
    """Return the accepted choices for a sentence of either language."""
    spec = table.column(column)
    titles = []
    for choice in spec.choices:
        zh = spec.choice_label(choice, "zh")
        titles.append(choice if zh == choice or column == "datum" else f"{zh} ({choice})")
    return ", ".join(titles)


def _labels(key: str) -> Iterable[str]:
    return [label(key, lang) for lang in LANGS] if has_label(key) else []


def _nearest(word: str, names: Mapping[str, str]) -> str:
    plain = normalise(word)
    ranked = sorted(names, key=lambda n: (-SequenceMatcher(None, plain, n).ratio(), n))
    return names[ranked[0]]
