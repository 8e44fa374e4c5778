"""What a study answers: sentences, tables, charts and a map layer, in one shape that every output can show.

A study never draws and never writes sentences: it names message and glossary keys and hands over figures. Map, report,
workbook and ``plan.json`` show all studies by the same code, so a new siting model needs one adapter here and nothing
in the outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from geodata.messages import Message
from planner.plan import Kpi, PlanProblem, VerifiedPlan
from planner.progress import ProgressListener
from planner.reports import SolveReport
from planner.siting.selection import SolveLimits

Cell = str | float | int | bool | Message | None
#: Message key of the first sentence of a study without an answer.
FAILED = "study_failed"


@dataclass(frozen=True, slots=True)
class StudyColumn:
    """One column: glossary key of its heading, and how its cells are shown.

    `kind`: ``text``, ``label`` (the cell is a glossary key), ``count``, ``number``, ``share``, ``km``, ``cny`` or
    ``message``.
    """

    key: str
    kind: Literal["text", "label", "count", "number", "share", "km", "cny", "message"] = "text"


@dataclass(frozen=True, slots=True)
class StudyTable:
    """A table; `key` is the glossary key of its heading."""

    key: str
    columns: tuple[StudyColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class StudySeries:
    """A named line or set of bars: glossary key and points (x, y)."""

    key: str
    points: tuple[tuple[float, float], ...]


def waterfall_series(totals: Sequence[tuple[str, float]]) -> tuple[StudySeries, ...]:
    """Return one series a step of a waterfall from (glossary key, total after the step)."""
    return tuple(StudySeries(key, ((float(i), total),)) for i, (key, total) in enumerate(totals))


@dataclass(frozen=True, slots=True)
class StudyChart:
    """A chart; `key`, `x_key`, `y_key` are glossary keys.

    In a ``waterfall`` every series is one bar, named by its key, with the total after its change; the first and the last are totals.
    """

    key: str
    kind: Literal["line", "step", "bar", "waterfall"]
    x_key: str
    y_key: str
    series: tuple[StudySeries, ...]


#: What a place is; how each looks on the map is in `scenarios.outputs.studies_map`.
Mark = Literal[
    "chosen",
    "kept",
    "closed",
    "unserved",
    "served",
    "locker",
    "charger",
    "candidate",
    "by_own",
    "by_joint",
    "by_post",
    "by_bus",
    "by_shop",
    "by_mail",
    "lines_none",
    "lines_one",
    "lines_few",
    "lines_many",
    "year_1",
    "year_2",
    "year_3",
    "year_4",
    "year_5",
    "year_6",
]


@dataclass(frozen=True, slots=True)
class StudyPlace:
    """A place on the map: what it is (``mark``) and what its tooltip says (glossary key → figure or text)."""

    place_id: str
    name: str
    lon: float
    lat: float
    mark: Mark
    facts: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StudyView:
    """Another map of the same places: how it is today. `key` names it: message ``out_map_view_<key>``."""

    key: str
    places: tuple[StudyPlace, ...]


@dataclass(frozen=True, slots=True)
class StudyLine:
    """A line on the map: places as (lon, lat), which of the line colours it takes, and what its tooltip says.

    With the vehicle type and the facilities it visits in order, the line is drawn along the roads where there are some.
    """

    name: str
    path: tuple[tuple[float, float], ...]
    colour: int = 0
    facts: Mapping[str, Cell] = field(default_factory=dict)
    vehicle_type_id: str = ""
    facility_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GanttBar:
    """From and until when (minutes after midnight) something is done; `key` is the glossary key of what."""

    start_min: float
    end_min: float
    key: str


@dataclass(frozen=True, slots=True)
class GanttRow:
    """One row of a Gantt chart: its name and bars."""

    name: str
    bars: tuple[GanttBar, ...]


@dataclass(frozen=True, slots=True)
class StudyGantt:
    """Who does what when; `key` is the glossary key of the heading."""

    key: str
    rows: tuple[GanttRow, ...]


@dataclass(frozen=True, slots=True)
class Study:
    """One answered question.

    Attributes
    ----------
    name
        Name in the scenario file.
    kind
        Registry name of the kind (``max_coverage``, ``lockers``, ``frontier`` …); glossary key ``study_<kind>``.
    report
        Status, bound and gap of the model's own objective, or None where nothing is optimised.
    answer
        The answer in plain sentences, first the one for the county leader.
    reasons
        Demand id → why it is not served.
    figures
        Single figures by glossary key.
    tables, charts, places, lines, gantts
        What is shown.
    views
        Further maps, such as today's state before the plan's.
    assumptions
        What was assumed only for this study.
    kpis
        Rows the study adds to the run's KPIs (locker mix K12, locker use K22).
    """

    name: str
    kind: str
    report: SolveReport | None
    answer: tuple[Message, ...]
    reasons: Mapping[str, Message] = field(default_factory=dict)
    figures: Mapping[str, Cell] = field(default_factory=dict)
    tables: tuple[StudyTable, ...] = ()
    charts: tuple[StudyChart, ...] = ()
    places: tuple[StudyPlace, ...] = ()
    assumptions: tuple[Message, ...] = ()
    kpis: tuple[Kpi, ...] = ()
    lines: tuple[StudyLine, ...] = ()
    gantts: tuple[StudyGantt, ...] = ()
    views: tuple[StudyView, ...] = ()

    @property
    def has_failed(self) -> bool:
        """Whether it only says why it has no answer."""
        return bool(self.answer) and self.answer[0].key == FAILED


@dataclass(frozen=True, slots=True, eq=False)
class StudyInput:
    """What a study may look at: the problem and the checked plan, its options, the limits, and studies answered before.

    `earlier` holds every other study of the run for a kind that reads studies, and nothing for the others.
    """

    name: str
    problem: PlanProblem
    verified: VerifiedPlan
    options: Mapping[str, object]
    limits: SolveLimits
    earlier: tuple[Study, ...] = ()


#: Answers a study; raises `InfeasibleError`, `InputError`, `NoSolutionError` like a plan does.
StudyFunction = Callable[[StudyInput, ProgressListener], Study]


#: What may stand in an option; ``numbers`` is a list of figures, ``names`` a list of texts.
OptionKind = Literal["number", "whole", "switch", "text", "choice", "names", "numbers"]


@dataclass(frozen=True, slots=True)
class StudyOption:
    """One option of a kind of study: a key under ``[studies.NAME]``.

    Attributes
    ----------
    key
        Name in the scenario file.
    kind
        What may stand there.
    default
        Value when nothing stands there.
    low, high, above
        Least and greatest value, and value it must exceed, of every number; None: no limit.
    choices
        Words of a ``choice``.
    meaning
        Message key of what it means; else ``study_option_<key>``.
    is_optional
        ``"none"`` may stand there.
    """

    key: str
    kind: OptionKind
    default: object
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    meaning: str = ""
    above: float | None = None
    is_optional: bool = False

    @property
    def meaning_key(self) -> str:
        """Return the message key of what the option means."""
        return self.meaning or f"study_option_{self.key}"


@dataclass(frozen=True, slots=True)
class StudyKind:
    """A kind of study: its options and the function that answers it.

    Attributes
    ----------
    kind
        Name in the scenario file; glossary key of its title ``study_<kind>``.
    options
        Keys it takes, beside those every study takes (`scenarios.studies.settings.COMMON`).
    answer
        Answers it.
    meaning
        Message key of the question it answers; else ``study_meaning_<kind>``.
    is_maximising
        Whether more is better; its reports hold negated values, as every report minimises.
    reads_studies
        Whether it looks at the run's other studies; it is then answered after them.
    """

    kind: str
    options: tuple[StudyOption, ...]
    answer: StudyFunction
    meaning: str = ""
    is_maximising: bool = False
    reads_studies: bool = False

    @property
    def meaning_key(self) -> str:
        """Return the message key of the question it answers."""
        return self.meaning or f"study_meaning_{self.kind}"
