"""The monitoring report as data: sections of sentences and tables that page and workbook show by the same code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from geodata.messages import Message
from geodata.parameters import Parameters
from scenarios.monitor.index import DevelopmentIndex, development_index
from scenarios.monitor.indicators import DEFINITION_VERSION, Indicator, indicators
from scenarios.monitor.projects import Project, projects
from scenarios.monitor.returns import Returns
from scenarios.monitor.run_facts import RunFacts
from scenarios.monitor.sampling import SampleCount, SampledSite, draw_sample
from scenarios.monitor.savings import CONFIDENCE, Savings, savings
from scenarios.studies.study import StudyColumn, StudyTable

_LEAST_VISITS = 3


@dataclass(frozen=True, slots=True)
class MonitorOptions:
    """What may be chosen for a report.

    Attributes
    ----------
    seed
        Seed of the sampling list.
    targets
        Indicator → target, before the plan's.
    complaint_limit
        Most complaints for each 100,000 parcels that pass the gate.
    """

    seed: int
    targets: Mapping[str, float]
    complaint_limit: float = 0.0


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report: glossary key of its title, sentences, tables."""

    key: str
    sentences: tuple[Message, ...]
    tables: tuple[StudyTable, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class MonitorReport:
    """A return read against its plan, with everything the outputs show."""

    run: RunFacts
    returns: Returns
    options: MonitorOptions
    indicators: tuple[Indicator, ...]
    index: DevelopmentIndex
    projects: tuple[Project, ...]
    savings: Savings
    sample: tuple[SampledSite, ...]
    counts: tuple[SampleCount, ...]

    @property
    def late(self) -> tuple[Project, ...]:
        """Projects that are late or stopped."""
        return tuple(p for p in self.projects if p.state in ("late", "stopped"))


def monitor_report(run: RunFacts, returns: Returns, parameters: Parameters, options: MonitorOptions) -> MonitorReport:
    """Read a return against its plan.

    Parameters
    ----------
    run, returns
        Plan and checked return.
    parameters
        Shares of the acceptance scheme.
    options
        Seed, targets, limit of the gate.
    """
    found = indicators(returns.villages, returns.townships, run, options.targets)
    sheets, place = (returns.villages, returns.townships), (run.county_code, returns.quarter)
    sample, counts = draw_sample(tuple(run.sites.values()), parameters, seed=options.seed)
    return MonitorReport(
        run=run,
        returns=returns,
        options=options,
        indicators=found,
        index=development_index(found, sheets, place, options.complaint_limit),
        projects=projects(returns.projects, returns.quarter),
        savings=savings(returns.villages),
        sample=sample,
        counts=counts,
    )


def sections(report: MonitorReport) -> tuple[Section, ...]:
    """Return the parts of the report in their order."""
    return (
        Section("monitor_answer", tuple(_answer(report))),
        _indicator_section(report),
        _index_section(report),
        _project_section(report),
        _savings_section(report),
        _sample_section(report),
    )


def _answer(report: MonitorReport) -> Iterator[Message]:
    value = report.index.value
    if value is None:
        yield Message("monitor_no_index", {"count": len(report.index.missing)})
    else:
        yield Message("monitor_index", {"value": round(value, 1)})
    failed = sum(gate.state == "failed" for gate in report.index.gates)
    unknown = sum(gate.state == "unknown" for gate in report.index.gates)
    yield Message(
        "monitor_gates", {"passed": len(report.index.gates) - failed - unknown, "failed": failed, "unknown": unknown}
    )
    below = [one for one in report.indicators if one.gap is not None and one.gap > 0.0]
    held = sum(one.gap is not None for one in report.indicators)
    yield Message("monitor_gaps", {"below": len(below), "held": held})
    yield Message("monitor_late", {"late": len(report.late), "all": len(report.projects)})
    yield _signs(report)


def _signs(report: MonitorReport) -> Message:
    """Say signs and service side by side; they are never one figure."""
    by_key = {one.definition.key: one for one in report.indicators}
    shown = {key: by_key[key] for key in ("signs", "bus", "reach")}
    counts = {key: round(one.numerator) for key, one in shown.items()}
    whole = {"all": round(by_key["signs"].denominator), "open": max(one.unanswered for one in shown.values())}
    return Message("monitor_signs", {**counts, **whole})


_INDICATOR_COLUMNS = (
    StudyColumn("indicator", "label"),
    StudyColumn("kpi"),
    StudyColumn("definition_version"),
    StudyColumn("indicator_share", "share"),
    StudyColumn("numerator", "number"),
    StudyColumn("denominator", "number"),
    StudyColumn("list_id"),
    StudyColumn("unanswered", "count"),
    StudyColumn("target_share", "share"),
    StudyColumn("target_gap_share", "share"),
)


def _indicator_section(report: MonitorReport) -> Section:
    rows = tuple(
        (
            f"indicator_{one.definition.key}",
            one.definition.kpi_id,
            DEFINITION_VERSION,
            one.value,
            one.numerator,
            one.denominator,
            one.list_id,
            one.unanswered,
            one.target,
            one.gap,
        )
        for one in report.indicators
    )
    sources = tuple(
        (f"indicator_{one.definition.key}", f"data_source_{source}", count)
        for one in report.indicators
        for source, count in one.sources.items()
    )
    columns = (
        StudyColumn("indicator", "label"),
        StudyColumn("data_source", "label"),
        StudyColumn("source_rows", "count"),
    )
    tables = [
        StudyTable("table_monitor_indicators", _INDICATOR_COLUMNS, rows),
        StudyTable("table_monitor_sources", columns, sources),
    ]
    empty = _sign_only(report)
    if empty:
        names = (StudyColumn("village_code"), StudyColumn("name"), StudyColumn("township"))
        tables.append(StudyTable("table_monitor_sign_only", names, empty))
    return Section("monitor_indicators", (Message("monitor_indicator_note"), _signs(report)), tuple(tables))


def _sign_only(report: MonitorReport) -> tuple[tuple[str, str, str], ...]:
    """Return villages that have a sign and fewer than three services a week, or no active point."""
    frame = report.returns.villages
    is_served = (frame["visits_per_week"] >= _LEAST_VISITS) & (frame["is_active"] == "true")
    codes = sorted(frame.loc[(frame["has_sign"] == "true") & ~is_served, "village_code"].astype(str))
    villages = [report.run.villages[code] for code in codes]
    return tuple((v.village_code, v.name, v.township) for v in villages)


def _index_section(report: MonitorReport) -> Section:
    rules = {one.definition.key: one.definition for one in report.indicators}
    rows = tuple(
        (
            f"indicator_{s.key}",
            s.weight,
            rules[s.key].low,
            rules[s.key].high,
            s.score,
            s.points,
            Message(f"indicator_formula_{s.key}"),
        )
        for s in report.index.scores
    )
    columns = (
        StudyColumn("indicator", "label"),
        StudyColumn("index_weight", "number"),
        StudyColumn("index_low", "number"),
        StudyColumn("index_high", "number"),
        StudyColumn("index_score", "number"),
        StudyColumn("index_points", "number"),
        StudyColumn("index_formula", "message"),
    )
    gates = tuple(
        (f"gate_{g.key}", f"gate_state_{g.state}", g.count, g.rate, g.limit, g.unanswered) for g in report.index.gates
    )
    gate_columns = (
        StudyColumn("gate", "label"),
        StudyColumn("gate_state", "label"),
        StudyColumn("gate_count", "count"),
        StudyColumn("gate_rate", "number"),
        StudyColumn("gate_limit", "number"),
        StudyColumn("unanswered", "count"),
    )
    told = (
        Message("monitor_index_rule"),
        Message("monitor_index_weights", {"version": DEFINITION_VERSION}),
        Message("monitor_gate_rule"),
        Message("monitor_data_hash", {"hash": report.index.data_hash}),
    )
    tables = (StudyTable("table_monitor_index", columns, rows), StudyTable("table_monitor_gates", gate_columns, gates))
    return Section("monitor_index_title", told, tables)


def _project_section(report: MonitorReport) -> Section:
    order = ("late", "stopped", "done_late", "not_due", "done")
    ordered = sorted(report.projects, key=lambda p: (order.index(p.state), -p.quarters_late, p.project_id))
    rows = tuple(
        (
            p.project_id,
            p.name,
            f"project_action_{p.action}",
            str(p.planned),
            "" if p.done is None else str(p.done),
            f"project_state_{p.state}",
            p.quarters_late,
            p.spent_cny,
        )
        for p in ordered
    )
    columns = (
        StudyColumn("project_id"),
        StudyColumn("name"),
        StudyColumn("project_action", "label"),
        StudyColumn("planned_quarter"),
        StudyColumn("done_quarter"),
        StudyColumn("project_state", "label"),
        StudyColumn("quarters_late", "count"),
        StudyColumn("spent_cny", "cny"),
    )
    told = (Message("monitor_late", {"late": len(report.late), "all": len(report.projects)}),)
    tables = (StudyTable("table_monitor_projects", columns, rows),) if rows else ()
    return Section("monitor_projects", told, tables)


def _savings_section(report: MonitorReport) -> Section:
    found = report.savings
    figures = {"changed": found.changed, "comparison": found.comparison, "left_out": found.left_out}
    told = [Message("monitor_savings_method")]
    if found.saving_cny_per_parcel is None or found.low is None or found.high is None:
        told.append(Message("monitor_savings_none", figures))
    else:
        interval = {
            "value": round(found.saving_cny_per_parcel, 3),
            "low": round(found.low, 3),
            "high": round(found.high, 3),
        }
        percent = {"percent": round(100 * CONFIDENCE)}
        key = "monitor_savings_shown" if found.is_shown else "monitor_savings_open"
        told.append(Message(key, {**figures, **interval, **percent}))
        told.append(Message("monitor_savings_compared" if found.uses_comparison else "monitor_savings_alone", figures))
    return Section("monitor_savings", tuple(told))


def _sample_section(report: MonitorReport) -> Section:
    counts = tuple((f"level_{c.level}", f"kind_{c.tier}", c.share, c.sites, c.drawn) for c in report.counts)
    rows = tuple(
        (f"level_{s.level}", f"kind_{s.site.kind}", s.site.facility_id, s.site.name, s.site.township)
        for s in report.sample
    )
    count_columns = (
        StudyColumn("acceptance_level", "label"),
        StudyColumn("kind", "label"),
        StudyColumn("sample_share", "share"),
        StudyColumn("sites_count", "count"),
        StudyColumn("sites_drawn", "count"),
    )
    columns: Sequence[StudyColumn] = (
        StudyColumn("acceptance_level", "label"),
        StudyColumn("kind", "label"),
        StudyColumn("facility_id"),
        StudyColumn("name"),
        StudyColumn("township"),
    )
    tables = (
        StudyTable("table_monitor_sample_counts", count_columns, counts),
        StudyTable("table_monitor_sample", tuple(columns), rows),
    )
    return Section("monitor_sample", (Message("monitor_sample_rule", {"seed": report.options.seed}),), tables)
