"""What all sheets of the workbook share: cell formats, headings, wrapped lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import xlsxwriter

#: Columns a wrapped line runs over, and about how many characters they hold.
_LINE_COLUMNS, _LINE_WIDTH = 3, 100

#: Rows and pixels a chart takes, and the column the figures of charts begin in.
CHART_ROWS, CHART_SIZE = 20, {"width": 760, "height": 370}
DATA_COLUMN = 12


class Formats:
    """Cell formats of a workbook, made once."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._numbers: dict[str, Any] = {}
        font = {"font_name": "Microsoft YaHei", "font_size": 10, "valign": "top"}
        self.font = font
        self.title = book.add_format({**font, "bold": True, "font_size": 16})
        self.warning = book.add_format({**font, "bold": True, "font_color": "#6B4A00", "bg_color": "#FFF3D6"})
        self.head = book.add_format(
            {**font, "bold": True, "text_wrap": True, "bg_color": "#E8EEF2", "bottom": 1, "valign": "vcenter"}
        )
        self.text = book.add_format({**font, "num_format": "@"})
        self.wrapped = book.add_format({**font, "text_wrap": True, "num_format": "@"})
        self.strong = book.add_format({**font, "bold": True, "num_format": "@"})
        self.link = book.add_format({**font, "font_color": "#005A8D", "underline": 1, "text_wrap": True})

    def number(self, pattern: str) -> Any:
        """Return the format of a number pattern."""
        if pattern not in self._numbers:
            self._numbers[pattern] = self._book.add_format({**self.font, "num_format": pattern})
        return self._numbers[pattern]


def text_width(sentence: str) -> int:
    """Return about how many characters wide a text is; a Chinese character counts two."""
    return sum(2 if char >= "\u2e80" else 1 for char in sentence)


def write_lines(sheet: Any, row: int, sentences: Sequence[str], formats: Formats) -> int:
    """Write sentences over the first three columns, one below the other; return the next free row."""
    for sentence in sentences:
        sheet.merge_range(row, 0, row, _LINE_COLUMNS - 1, "", formats.wrapped)
        sheet.write_string(row, 0, sentence, formats.wrapped)
        sheet.set_row(row, 15.0 * max(1, math.ceil(text_width(sentence) / _LINE_WIDTH)))
        row += 1
    return row


def write_head(sheet: Any, headings: Sequence[str], rows: int, formats: Formats) -> None:
    """Write the headings of a table, frozen, with filters over its rows."""
    sheet.freeze_panes(1, 1 if len(headings) > 1 else 0)
    sheet.set_row(0, 32)
    for i, heading in enumerate(headings):
        sheet.write_string(0, i, heading, formats.head)
    if rows:
        sheet.autofilter(0, 0, rows, len(headings) - 1)
