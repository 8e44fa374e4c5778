"""Glossary and message tables: both languages, the same placeholders, no key twice, every used key there."""

import csv
import re
import string
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT / "geodata" / "data"
TABLES = [DATA / "glossary.csv", *sorted((DATA / "messages").glob("*.csv"))]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("path", TABLES, ids=lambda p: p.stem)
def test_rows_are_complete(path: Path) -> None:
    for row in rows(path):
        assert set(row) == {"key", "en", "zh"}, row
        assert row["key"] and row["en"] and row["zh"], row
        assert row["en"].strip() == row["en"] and row["zh"].strip() == row["zh"], row


@pytest.mark.parametrize("path", TABLES[1:], ids=lambda p: p.stem)
def test_both_languages_name_the_same_figures(path: Path) -> None:
    for row in rows(path):
        assert placeholders(row["en"]) == placeholders(row["zh"]), row["key"]


def test_no_key_stands_twice() -> None:
    for group in ([TABLES[0]], TABLES[1:]):
        keys = [row["key"] for path in group for row in rows(path)]
        assert len(keys) == len(set(keys)), sorted({k for k in keys if keys.count(k) > 1})


def test_chinese_texts_are_chinese() -> None:
    latin = [
        row["key"]
        for path in TABLES[1:]
        for row in rows(path)
        if not re.search(r"[\u4e00-\u9fff]", row["zh"]) and re.search(r"[A-Za-z]{4,}", row["zh"])
    ]
    assert latin == []


def test_every_message_key_in_code_exists() -> None:
    known = {row["key"] for path in TABLES[1:] for row in rows(path)}
    used: dict[str, str] = {}
    for package in ("geodata", "networks", "planner", "scenarios"):
        for path in (ROOT / package).rglob("*.py"):
            for key in re.findall(r"""\bMessage\(\s*["']([a-z0-9_]+)["']""", path.read_text(encoding="utf-8")):
                used[key] = path.name
    assert used
    assert {key: where for key, where in used.items() if key not in known} == {}
