"""The tables of a comparison: inputs, settings, decisions, KPIs, log; every row knows whether the runs differ in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geodata.messages import Lang, Message, has_label, label, text
from scenarios.comparison.runs import FinishedRun
from scenarios.language.words import help_of
from scenarios.outputs.terms import MISSING, figure, gap_text, note, term
from scenarios.plan_json import plain
from scenarios.spec import STUDIES
from scenarios.studies.settings import KIND

#: Settings that name a run and decide nothing.
_NAMES = ("name", "title_en", "title_zh")
_DECISIONS = ("kept", "new", "closed")
_PERCENT = 100.0

Runs = Sequence[FinishedRun]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what it is about, its value in every run, the change of every run but the first (or nothing).

    Attributes
    ----------
    heads
        Texts of the columns before the values.
    values
        One text a run.
    changes
        One text a run but the first; empty where a difference means nothing.
    is_different
        Whether the runs are not all alike.
    figures
        One number a run for the workbook, where the values are numbers.
    """

    heads: tuple[str, ...]
    values: tuple[str, ...]
    changes: tuple[str, ...] = ()
    is_different: bool = False
    figures: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table of rows; `key` names it, `heads` the columns before the values."""

    key: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    has_changes: bool = False

    @property
    def different(self) -> int:
        """Rows in which the runs differ."""
        return sum(row.is_different for row in self.rows)


def comparison_tables(runs: Runs, lang: Lang) -> tuple[Table, ...]:
    """Return all tables, in the order they are read."""
    return (
        Table("kpis", _heads(("kpi", "part", "unit"), lang), tuple(_kpis(runs, lang)), has_changes=True),
        Table("decisions", _heads(("decision",), lang), tuple(_decisions(runs, lang)), has_changes=True),
        Table("sites", _heads(("site", "kind", "township"), lang), tuple(_sites(runs, lang))),
        Table("trips", _heads(("depot", "trips"), lang), tuple(_trips(runs, lang)), has_changes=True),
        *_study_table(runs, lang),
        Table("settings", _heads(("key", "meaning"), lang), tuple(_settings(runs, lang))),
        Table("inputs", _heads(("input",), lang), tuple(_inputs(runs, lang))),
        Table("log", _heads(("log",), lang), tuple(_log(runs, lang))),
    )


def _heads(keys: Iterable[str], lang: Lang) -> tuple[str, ...]:
    return tuple(text(f"compare_head_{key}", lang) for key in keys)


def _row(heads: Iterable[str], values: Sequence[Any], lang: Lang) -> Row:
    """Return a row of any values, alike where equal."""
    return Row(tuple(heads), tuple(shown(value, lang) for value in values), is_different=_differ(values))


def _differ(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values)


def shown(value: Any, lang: Lang) -> str:
    """Return any value of a plan or of its settings as text."""
    if value is None or value in ("", []):
        return MISSING
    if isinstance(value, bool):
        return text("compare_yes" if value else "compare_no", lang)
    if isinstance(value, int | float):
        return figure(value, "")
    return "; ".join(str(part) for part in value) if isinstance(value, list) else str(value)


def _number_row(heads: Iterable[str], figures: Sequence[float | None], unit: str, lang: Lang) -> Row:
    """Return a row of figures with the change of each run to the first."""
    first = figures[0]
    changes = tuple(_change(first, other, unit, lang) for other in figures[1:])
    values = tuple(figure(value, unit) for value in figures)
    return Row(tuple(heads), values, changes, _differ(figures), tuple(figures))


def _change(first: float | None, other: float | None, unit: str, lang: Lang) -> str:
    if first is None or other is None:
        return MISSING
    difference = plain(float(other) - float(first))
    if difference == 0:
        return "0"
    sign = "+" if difference > 0 else "−"
    if unit == "share":
        points = f"{abs(difference) * _PERCENT:.2f}".rstrip("0").rstrip(".")
        return text("compare_points", lang, {"points": f"{sign}{points if float(points) else '<0.01'}"})
    return f"{sign}{figure(abs(difference), '')}"


def _kpis(runs: Runs, lang: Lang) -> Iterator[Row]:
    tables = [{(row["kpi_id"], row["part"]): row for row in run.plan["kpis"]} for run in runs]
    for key in dict.fromkeys(key for table in tables for key in table):
        rows = [table.get(key) for table in tables]
        unit = next(row["unit"] for row in rows if row is not None)
        heads = (f"{key[0]} {term(f'kpi_{key[0]}', lang)}", part_name(key[1], lang), term(f"unit_{unit}", lang))
        yield _number_row(heads, [None if row is None else row["value"] for row in rows], unit, lang)


def part_name(part: str, lang: Lang) -> str:
    """Return what a part of a KPI is called."""
    key = f"kpi_part_{part}"
    return label(key, lang) if has_label(key) else term(part, lang)


def _decisions(runs: Runs, lang: Lang) -> Iterator[Row]:
    """Return what the plans come to: sites by kind and decision, trips, villages."""
    for kind in ("county_centre", "township_station", "village_point"):
        for decision in _DECISIONS:
            counts = [float(sum(s.kind == kind and s.decision == decision for s in run.sites.values())) for run in runs]
            name = f"{term(f'kind_{kind}', lang)} · {term(f'decision_{decision}', lang)}"
            if any(counts):
                yield _number_row((name,), counts, "", lang)
    served = [float(sum(v.is_served for v in run.villages.values())) for run in runs]
    yield _number_row((text("compare_villages_served", lang),), served, "", lang)
    own = [float(sum(v.is_served and v.has_own_point for v in run.villages.values())) for run in runs]
    yield _number_row((text("compare_villages_own_point", lang),), own, "", lang)
    for key in ("cost_cny_per_day", "investment_cny"):
        yield _number_row((text(f"compare_{key}", lang),), [float(run.plan[key]) for run in runs], "", lang)


def _sites(runs: Runs, lang: Lang) -> Iterator[Row]:
    """Return every site that any run keeps, opens or closes, with its decision in each."""
    for site_id in dict.fromkeys(i for run in runs for i, s in run.sites.items() if s.decision in _DECISIONS):
        found = [run.sites.get(site_id) for run in runs]
        one = next(site for site in found if site is not None)
        decisions = ["" if site is None else site.decision for site in found]
        row = _row((f"{one.name} ({site_id})", term(f"kind_{one.kind}", lang), one.township), decisions, lang)
        words = tuple(term(f"decision_{d}", lang) if d else MISSING for d in decisions)
        yield Row(row.heads, words, is_different=row.is_different)


def _trips(runs: Runs, lang: Lang) -> Iterator[Row]:
    """Return trips, kilometres and money of every depot."""
    names = {trip.depot_id: trip.depot_name for run in runs for trip in run.trips.values()}
    for depot, name in names.items():
        trips = [[trip for trip in run.trips.values() if trip.depot_id == depot] for run in runs]
        measures: tuple[tuple[str, Callable[[Any], float]], ...] = (
            ("count", lambda _: 1.0),
            ("runs", lambda trip: trip.days_per_week),
            ("km", lambda trip: (trip.trip_km or 0.0) * trip.days_per_week / 7.0),
            ("cny", lambda trip: trip.cny_per_day),
        )
        for key, measure in measures:
            sums = [float(plain(float(sum(measure(trip) for trip in own)))) for own in trips]
            yield _number_row((f"{name} ({depot})", text(f"compare_trips_{key}", lang)), sums, "", lang)


def _study_table(runs: Runs, lang: Lang) -> Iterator[Table]:
    """Yield the table of the further questions, where a run asks any: proof, and the first sentence of the answer."""
    found = [{study["name"]: study for study in run.plan.get("studies", ())} for run in runs]
    rows = []
    for name in dict.fromkeys(name for studies in found for name in studies):
        asked = [studies.get(name) for studies in found]
        kind = next(str(study["kind"]) for study in asked if study is not None)
        title = f"{name} · {term(f'study_{kind}', lang)}"
        answers = [_said(study["answer"][:1], lang)[0] if study and study["answer"] else None for study in asked]
        reports = [study["report"] if study else None for study in asked]
        proofs = [text(f"run_status_{report['status']}", lang) if report else None for report in reports]
        rows.append(_row((title, text("compare_study_answer", lang)), answers, lang))
        rows.append(_row((title, text("compare_log_status", lang)), proofs, lang))
    if rows:
        yield Table("studies", _heads(("study", "entry"), lang), tuple(rows))


def _settings(runs: Runs, lang: Lang) -> Iterator[Row]:
    kinds = {
        key.split(".")[1]: str(value)
        for run in runs
        for key, value in run.settings.items()
        if key.startswith(f"{STUDIES}.") and key.endswith(f".{KIND}")
    }
    for key in dict.fromkeys(key for run in runs for key in run.settings if key not in _NAMES):
        yield _row((key, help_of(key, lang, kinds).meaning), [run.settings.get(key) for run in runs], lang)


def _inputs(runs: Runs, lang: Lang) -> Iterator[Row]:
    counties = [run.plan["county"] for run in runs]
    for key in ("name", "code", "village_list_id", "village_list_date", "content_hash"):
        yield _row((text(f"compare_county_{key}", lang),), [county[key] for county in counties], lang)
    for table in counties[0]["rows"]:
        name = text("compare_rows_of", lang, {"table": term(f"table_{table}", lang)})
        yield _row((name,), [float(county["rows"].get(table, 0)) for county in counties], lang)
    for table in dict.fromkeys(table for county in counties for table in county["provenance"]):
        name = text("compare_source_of", lang, {"table": term(f"table_{table}", lang)})
        yield _row((name,), [county["provenance"].get(table, {}).get("source") for county in counties], lang)
    for profile in dict.fromkeys(profile for run in runs for profile in run.plan["travel"]):
        name = text("compare_travel_of", lang, {"profile": profile})
        yield _row((name,), [run.plan["travel"].get(profile, {}).get("provider") for run in runs], lang)
    for key in ("files", "assumptions"):
        values = [_files(run) if key == "files" else _said(run.plan["county"]["assumptions"], lang) for run in runs]
        yield from _union(text(f"compare_{key}", lang), values, lang)


def _files(run: FinishedRun) -> list[str]:
    county = run.manifest.get("county", {}).get("files", {})
    scenario = {file["name"]: file["sha256"] for file in run.manifest.get("scenario_files", ())}
    return [f"{name} · {sha[:12]}" for name, sha in sorted({**county, **scenario}.items())]


def _said(messages: Iterable[Mapping[str, Any]], lang: Lang) -> list[str]:
    """Return sentences stored as key and figures."""
    return [note(str(message["key"]), lang, message.get("params", {})) for message in messages]


def _union(name: str, values: Sequence[list[str]], lang: Lang) -> Iterator[Row]:
    """Return one row for each text of any run: whether each run has it."""
    for words in dict.fromkeys(words for own in values for words in own):
        yield _row((f"{name}: {words}",), [words in own for own in values], lang)


def _log(runs: Runs, lang: Lang) -> Iterator[Row]:
    manifests = [run.manifest for run in runs]
    for key in ("started_at", "run_hash", "seed", "python", "platform"):
        yield _row((text(f"compare_log_{key}", lang),), [manifest.get(key) for manifest in manifests], lang)
    version = [manifest.get("versions", {}).get("xiangyou") for manifest in manifests]
    yield _row((text("compare_log_version", lang),), version, lang)
    for stage in ("siting", "routing"):
        reports = [run.plan[stage]["report"] for run in runs]
        name = term(f"stage_{stage}", lang)
        status = [text(f"run_status_{report['status']}", lang) for report in reports]
        yield _row((f"{name} · {text('compare_log_status', lang)}",), status, lang)
        for key in ("objective", "bound"):
            yield _row((f"{name} · {text(f'compare_log_{key}', lang)}",), [report[key] for report in reports], lang)
        gaps = [gap_text(report["gap"], report["status"]) for report in reports]
        yield _row((f"{name} · {text('compare_log_gap', lang)}",), gaps, lang)
        yield _row((f"{name} · {text('compare_log_engine', lang)}",), [r["engine"] for r in reports], lang)
    for stage in dict.fromkeys(stage for manifest in manifests for stage in manifest.get("timings_s", {})):
        name = text("compare_log_seconds", lang, {"stage": term(f"stage_{stage}", lang)})
        yield _row((name,), [manifest.get("timings_s", {}).get(stage) for manifest in manifests], lang)
    warnings = [[*_said(run.plan["warnings"], lang), *_input_warnings(run, lang)] for run in runs]
    yield from _union(text("compare_log_warning", lang), warnings, lang)


def _input_warnings(run: FinishedRun, lang: Lang) -> list[str]:
    said = []
    for problem in run.plan["input_warnings"]:
        params = {**problem, **problem.get("params", {})}
        where = problem["cell"] or problem["table"]
        said.append(f"{where} {Message(problem['code'], params).text(lang)}" if where else note(problem["code"], lang))
    return said
