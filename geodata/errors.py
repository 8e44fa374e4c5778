"""The error tree. The root lives in the lowest layer, so that every layer can raise from it.

::

    XiangyouError                 exit 1
    ├── UsageError (ValueError)   exit 2   the command or a scenario key was wrong
    ├── InputError (ValueError)   exit 3   the data cannot be used; carries every Problem found
    ├── InfeasibleError           exit 4   no plan meets the standard; carries cause and smallest fix
    ├── NoSolutionError           exit 5   none found within the limits; nothing is proved
    └── VerificationError         exit 1   a result does not add up: our fault, the plan is refused
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from geodata.messages import Lang, Message, has_label, label, text

Severity = Literal["error", "warning"]
_EXACT = 1e15  # above, a float has no digit to show behind the point


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the input, located as the planner sees it.

    Attributes
    ----------
    severity
        ``error`` (the data cannot be used) or ``warning`` (used, but look at it).
    code
        Key of the message table; stable, so that tests and scripts can rely on it.
    file, table
        Source file (name as given) and canonical table (``villages``); empty when not applicable.
    sheet
        Sheet name as it stands in the user's workbook; empty for other sources.
    row
        1-based row in the source, header included, as Excel shows it; None if the whole table is meant.
    column
        Column name as it stands in the source, or the canonical name.
    cell
        Excel address such as ``D101``; empty for other sources.
    value
        Offending value as text.
    params
        Further figures of the sentence.
    """

    severity: Severity
    code: str
    table: str = ""
    file: str = ""
    sheet: str = ""
    row: int | None = None
    column: str = ""
    cell: str = ""
    value: str = ""
    params: Mapping[str, object] = field(default_factory=dict)

    def text(self, lang: Lang) -> str:
        """Say what is wrong and what to do, in `lang`; the location is not repeated."""
        base = {"table": self.table, "row": self.row, "column": self.column, "value": self.value}
        return text(self.code, lang, {**base, **{k: _plain(v) for k, v in self.params.items()}})

    def where(self, lang: Lang) -> str:
        """Say where it is: file, sheet, cell (or row and column)."""
        stop = "，" if lang == "zh" else ", "
        place = self._place(lang)
        parts = [p for p in (self.file, place) if p]
        if self.cell:
            parts.append(self.cell)
        elif self.row is not None:
            parts.append(f"第{self.row}行" if lang == "zh" else f"row {self.row}")
        if self.column:
            # A canonical name is no word a planner reads in Chinese; a heading of the source is shown as it stands.
            name = label(self.column, lang) if lang == "zh" and has_label(self.column) else self.column
            parts.append(f"列「{name}」" if lang == "zh" else f"column “{name}”")
        return stop.join(parts)

    def _place(self, lang: Lang) -> str:
        if self.sheet:
            return f"工作表「{self.sheet}」" if lang == "zh" else f"sheet “{self.sheet}”"
        key = f"table_{self.table}"
        return label(key, lang) if has_label(key) else self.table


def _plain(value: object) -> object:
    """Return a whole number without its ``.0``."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value


class XiangyouError(Exception):
    """Root of all errors raised on purpose.

    Parameters
    ----------
    message
        What happened and what to do next.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: Message) -> None:
        super().__init__(message.key)
        self.message = message

    def text(self, lang: Lang) -> str:
        """Render the message in `lang`."""
        return self.message.text(lang)

    def __str__(self) -> str:
        return self.text("en")


class UsageError(XiangyouError, ValueError):
    """The command line or a scenario file asks for something that does not exist."""

    exit_code = 2


class InputError(XiangyouError, ValueError):
    """The data cannot be used; `problems` holds everything found in one run."""

    exit_code = 3

    def __init__(self, message: Message, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.problems: tuple[Problem, ...] = tuple(problems)


class InfeasibleError(XiangyouError):
    """No plan can meet what is asked (proved); `fixes` holds the smallest sufficient changes."""

    exit_code = 4

    def __init__(self, message: Message, fixes: Sequence[Message] = ()) -> None:
        super().__init__(message)
        self.fixes: tuple[Message, ...] = tuple(fixes)


class NoSolutionError(XiangyouError):
    """No plan was found within the limits, and none was proved impossible."""

    exit_code = 5

    def __init__(self, message: Message, fixes: Sequence[Message] = ()) -> None:
        super().__init__(message)
        self.fixes: tuple[Message, ...] = tuple(fixes)


class VerificationError(XiangyouError):
    """A result does not pass the independent checker: the plan is refused, the fault is ours."""

    exit_code = 1

    def __init__(self, message: Message, violations: Sequence[Message] = ()) -> None:
        super().__init__(message)
        self.violations: tuple[Message, ...] = tuple(violations)
