"""The ``[studies.NAME]`` sections of a scenario: every study's options decided, or every problem with its origin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import cast

from geodata.messages import Message
from planner.siting.selection import SolveLimits
from scenarios.overrides import DEFAULT_ORIGIN, Setting
from scenarios.spec import NONE_WORD, STUDIES, KeyProblem, KeySpec, nearest
from scenarios.studies.registry import study_kinds
from scenarios.studies.study import StudyKind, StudyOption

KIND = "kind"
ACTIVE = "active"
ON_FAILURE = "on_failure"
STOP, REPORT = "stop", "report"
_LIMITS = SolveLimits()
#: Keys every study takes beside its kind.
COMMON: tuple[StudyOption, ...] = (
    StudyOption(ACTIVE, "switch", True),
    StudyOption(ON_FAILURE, "choice", STOP, choices=(STOP, REPORT)),
    StudyOption("relative_gap", "number", _LIMITS.relative_gap, low=0, high=1),
    StudyOption("node_limit", "whole", _LIMITS.node_limit, low=1),
    StudyOption("iteration_limit", "whole", _LIMITS.iteration_limit, low=1),
    StudyOption("time_limit_s", "number", _LIMITS.time_limit_s, above=0),
)
_BARE = re.compile(r"^[A-Za-z0-9_-]+$")


@dataclass(frozen=True, slots=True)
class ChosenStudy:
    """One study of a scenario, ready to be answered.

    Attributes
    ----------
    name
        Name in the scenario file.
    kind
        What is asked.
    options
        Options of the kind, every one decided.
    limits
        When to stop.
    reports_failure
        Whether a study without an answer says why and lets the run go on.
    """

    name: str
    kind: StudyKind
    options: Mapping[str, object]
    limits: SolveLimits
    reports_failure: bool


def options_of(kind: StudyKind) -> tuple[StudyOption, ...]:
    """Return all options a study of a kind takes, the common ones last."""
    return (*kind.options, *COMMON)


def study_names(given: Mapping[str, Setting]) -> tuple[str, ...]:
    """Return the names of all studies of a scenario, sorted."""
    return tuple(sorted({_name(key) for key in given if key.startswith(f"{STUDIES}.")}))


def _name(key: str) -> str:
    return key.split(".")[1]


def key_spec(name: str, option: StudyOption) -> KeySpec:
    """Return the option of a study as a key of a scenario file."""
    return KeySpec(
        f"{STUDIES}.{name}.{option.key}",
        option.kind,
        option.default,
        option.low,
        option.high,
        option.above,
        is_optional=option.is_optional,
        choices=option.choices,
    )


def decide_studies(given: Mapping[str, Setting]) -> tuple[dict[str, Setting], list[KeyProblem]]:
    """Decide every option of every study.

    Parameters
    ----------
    given
        Settings of all layers by dotted key; keys of other sections are passed over.

    Returns
    -------
    dict, list
        Dotted key → value and origin, defaults included, studies sorted by name; and every problem found.
    """
    decided: dict[str, Setting] = {}
    problems: list[KeyProblem] = []
    for name in study_names(given):
        prefix = f"{STUDIES}.{name}."
        values = {key.removeprefix(prefix): s for key, s in given.items() if key.startswith(prefix)}
        kind, found = _kind(prefix, values)
        problems += found
        if kind is not None:
            settings, found = _options(name, kind, values)
            decided.update(settings)
            problems += found
    return decided, problems


def _kind(prefix: str, values: Mapping[str, Setting]) -> tuple[StudyKind | None, list[KeyProblem]]:
    key, known = f"{prefix}{KIND}", study_kinds()
    setting = values.get(KIND)
    if setting is None:
        origin = next(iter(values.values())).origin
        figures = {"key": key, "known": ", ".join(known)}
        return None, [KeyProblem(origin, key, Message("scenario_study_needs_kind", figures))]
    kind = known.get(setting.value) if isinstance(setting.value, str) else None
    if kind is None:
        word = str(setting.value)
        figures = {"key": key, "value": word, "nearest": nearest(word, known), "known": ", ".join(known)}
        return None, [KeyProblem(setting.origin, key, Message("scenario_study_unknown_kind", figures))]
    return kind, []


def _options(name: str, kind: StudyKind, values: Mapping[str, Setting]) -> tuple[dict[str, Setting], list[KeyProblem]]:
    prefix = f"{STUDIES}.{name}."
    specs = {option.key: key_spec(name, option) for option in options_of(kind)}
    decided = {f"{prefix}{KIND}": values[KIND]}
    problems = list(_unknown(prefix, specs, values))
    for key, spec in specs.items():
        setting = values.get(key, Setting(spec.default, DEFAULT_ORIGIN))
        value, is_fine = checked_value(spec, setting.value)
        if is_fine:
            decided[spec.key] = Setting(value, setting.origin, setting.folder)
        else:
            code, figures = spec.expected()
            figures = {"key": spec.key, "value": _shown(setting.value), **figures}
            problems.append(KeyProblem(setting.origin, spec.key, Message(code, figures)))
    return decided, problems


def _unknown(prefix: str, known: Mapping[str, object], values: Mapping[str, Setting]) -> Iterator[KeyProblem]:
    for key, setting in values.items():
        if key not in known and key != KIND:
            figures = {"key": f"{prefix}{key}", "nearest": f"{prefix}{nearest(key, known)}"}
            yield KeyProblem(setting.origin, f"{prefix}{key}", Message("scenario_unknown_key", figures))


def checked_value(spec: KeySpec, value: object) -> tuple[object, bool]:
    """Return a value in the form the study gets it, and whether it may stand there."""
    if spec.is_optional and value in (None, NONE_WORD):
        return None, True
    if spec.kind in ("names", "numbers"):
        return _checked_list(spec, value)
    if spec.kind == "number" and _is_number(spec, value):
        return float(cast("float", value)), True
    fits = {
        "switch": isinstance(value, bool),
        "number": False,
        "whole": isinstance(value, int) and _is_number(spec, value),
        "choice": value in spec.choices,
    }
    return value, fits.get(spec.kind, isinstance(value, str) and bool(value))


def _checked_list(spec: KeySpec, value: object) -> tuple[object, bool]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return value, False
    if spec.kind == "numbers":
        return [float(v) if _is_number(spec, v) else v for v in value], all(_is_number(spec, v) for v in value)
    return list(value), all(isinstance(v, str) and v for v in value)


def _is_number(spec: KeySpec, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return False
    is_low = spec.low is not None and value < spec.low
    is_high = spec.high is not None and value > spec.high
    return not (is_low or is_high or (spec.above is not None and value <= spec.above))


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - one line of the console


def chosen_studies(settings: Mapping[str, Setting], *, seed: int) -> tuple[ChosenStudy, ...]:
    """Return the active studies of decided settings, sorted by name."""
    chosen = []
    for name in study_names(settings):
        prefix = f"{STUDIES}.{name}."
        values = {key.removeprefix(prefix): s.value for key, s in settings.items() if key.startswith(prefix)}
        if values[ACTIVE]:
            kind = study_kinds()[str(values[KIND])]
            limits = SolveLimits(
                relative_gap=float(values["relative_gap"]),
                node_limit=int(values["node_limit"]),
                iteration_limit=int(values["iteration_limit"]),
                time_limit_s=float(values["time_limit_s"]),
                seed=seed,
            )
            options = {option.key: values[option.key] for option in kind.options}
            chosen.append(ChosenStudy(name, kind, options, limits, values[ON_FAILURE] == REPORT))
    return tuple(chosen)


def toml_section(section: str) -> str:
    """Return a section's heading; names that are no bare TOML keys stand in quotation marks."""
    return ".".join(part if _BARE.match(part) else f'"{part}"' for part in section.split("."))
