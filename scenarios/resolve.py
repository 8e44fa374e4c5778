"""From a scenario's name or path to the settings in force, each remembering where it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import tomli_w

from geodata.changes import CountyChanges
from geodata.messages import LANGS, Lang, Message
from geodata.parameters import default_parameters
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings
from scenarios.composition import chosen_overrides
from scenarios.overrides import DEFAULT_ORIGIN, Layer, Setting, lay_over, parse_set, set_layer
from scenarios.scenario_files import (
    ScenarioFile,
    SourceFile,
    find_scenario,
    heritage,
    known_overrides,
    load_chain,
    located,
)
from scenarios.spec import (
    NONE_WORD,
    REFERENCE_ONLY_KEYS,
    STUDIES,
    KeyProblem,
    ScenarioError,
    key_specs,
    nearest,
)
from scenarios.studies.settings import ACTIVE, ChosenStudy, chosen_studies, decide_studies, study_names, toml_section

REFERENCE_SOURCE = "reference"
IMPORTER_PREFIX = "importer:"
_STUDY_ORIGIN = "--study"
_RESERVED_NAMES = ("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)))


@dataclass(frozen=True, slots=True)
class ResolvedScenario:
    """A scenario with every setting decided.

    Attributes
    ----------
    name
        Short name.
    settings
        Dotted key → value and origin, in the order of a scenario file; parameters only where one is set.
    files
        Scenario files read, the first parent first.
    """

    name: str
    settings: Mapping[str, Setting]
    files: tuple[SourceFile, ...] = field(default=())

    def value(self, key: str) -> Any:
        """Return the value of a dotted key."""
        return self.settings[key].value

    @property
    def lang(self) -> Lang:
        """Language of everything the planner sees."""
        return cast("Lang", self.value("lang"))

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return int(self.value("seed"))

    def title(self, lang: Lang) -> str:
        """Return the title in `lang`."""
        return str(self.value(f"title_{lang}"))

    @property
    def changes(self) -> CountyChanges:
        """What is to be different from the county as given."""
        values = self._section("changes")
        values.update({key: tuple(value) for key, value in values.items() if isinstance(value, list)})
        return CountyChanges(**values)

    @property
    def standard(self) -> ServiceStandard:
        """Service standard."""
        return ServiceStandard(**self._section("standard"))

    @property
    def siting(self) -> SitingSettings:
        """Siting settings."""
        return SitingSettings(**self._section("siting"))

    @property
    def routing(self) -> RoutingSettings:
        """Routing settings."""
        return RoutingSettings(**self._section("routing"))

    @property
    def studies(self) -> tuple[ChosenStudy, ...]:
        """Active studies, sorted by name."""
        return chosen_studies(self.settings, seed=self.seed)

    def _section(self, section: str) -> dict[str, Any]:
        return {key.partition(".")[2]: s.value for key, s in self.settings.items() if key.startswith(f"{section}.")}

    @property
    def source(self) -> str:
        """County source as written: ``reference``, ``importer:NAME`` or a path."""
        return str(self.value("county.source"))

    @property
    def importer(self) -> str:
        """Name of the importer, or empty."""
        return self.source.removeprefix(IMPORTER_PREFIX) if self.source.startswith(IMPORTER_PREFIX) else ""

    @property
    def source_path(self) -> Path | None:
        """Absolute path of the county's file or folder; None for the reference county and importers."""
        if self.source == REFERENCE_SOURCE or self.importer:
            return None
        folder = self.settings["county.source"].folder or Path.cwd()
        return (folder / Path(self.source).expanduser()).resolve()

    def parameters_by_origin(self) -> dict[str, dict[str, float]]:
        """Return the parameters set, grouped by the origin that set them."""
        groups: dict[str, dict[str, float]] = {}
        for key, setting in self.settings.items():
            if key.startswith("parameters."):
                groups.setdefault(setting.origin, {})[key.partition(".")[2]] = float(setting.value)
        return groups

    def parameter_warnings(self) -> tuple[Message, ...]:
        """Return a warning for every parameter set outside the range its source gives."""
        known = default_parameters()
        warnings = []
        for group in self.parameters_by_origin().values():
            for parameter_id, value in group.items():
                entry = known.entry(parameter_id)
                low, high = entry.low, entry.high
                if (low is not None and value < low) or (high is not None and value > high):
                    figures = {"key": parameter_id, "value": value, "low": _text(low), "high": _text(high)}
                    warnings.append(Message("scenario_parameter_out_of_range", figures))
        return tuple(warnings)

    def display(self) -> dict[str, tuple[object, str]]:
        """Return dotted key → (value, origin), for map and report."""
        return {key: (s.value, s.origin) for key, s in self.settings.items()}

    def toml(self, *, with_origin: bool = True, absolute: bool = True) -> str:
        """Return the settings as a scenario file that can be run again.

        Parameters
        ----------
        with_origin
            Whether each line ends in a comment that names its origin.
        absolute
            Whether the path of the county is written out in full, so that the file can be run from anywhere.
        """
        lines: list[str] = []
        section = ""
        for key, setting in self.settings.items():
            head, _, leaf = key.rpartition(".")
            if head != section:
                section = head
                lines += ["", f"[{toml_section(section)}]"]
            value = NONE_WORD if setting.value is None else setting.value
            path = self.source_path
            if absolute and key == "county.source" and path is not None:
                value = path.as_posix()
            line = tomli_w.dumps({leaf: value}).strip()
            lines.append(f"{line}  # {setting.origin}" if with_origin else line)
        return "\n".join(lines) + "\n"

    def content_hash(self, county_hash: str) -> str:
        """Return the SHA-256 of settings and county: the identity of a run. The county's path does not count."""
        path = self.source_path
        values = {key: s.value for key, s in self.settings.items() if key != "county.source" or path is None}
        text = json.dumps({"settings": values, "county": county_hash}, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _text(value: float | None) -> str:
    return "…" if value is None else f"{value:g}"


def resolve_scenario(
    scenario: str | Path,
    *,
    overrides: Sequence[str] = (),
    sets: Sequence[str] = (),
    studies: Sequence[str] = (),
    lang: str | None = None,
    seed: int | None = None,
    layers: Sequence[Layer] = (),
) -> ResolvedScenario:
    """Resolve a scenario: parents first, then the file, its overrides, the overrides asked for, and ``--set``.

    Parameters
    ----------
    scenario
        Name in the library, or path of a scenario file.
    overrides
        Names of overrides to apply beside those of the file's own ``apply``.
    sets
        Assignments ``a.b=c``.
    studies
        Names of the studies to answer; none: all that are active.
    lang, seed
        Language and seed that win over everything.
    layers
        Further layers between the overrides and `sets` (a batch's county and scenario).

    Raises
    ------
    ScenarioError
        With every problem of all files and options at once.
    UsageError
        If the scenario does not exist or cannot be read.
    """
    option_layers = _option_layers(sets, lang, seed)
    chain = load_chain(find_scenario(str(scenario), Path.cwd(), "xiangyou"), ())
    try:
        return _resolved(chain, overrides, studies, layers, option_layers)
    except ScenarioError as error:
        raise ScenarioError([located(problem, chain) for problem in error.problems]) from error


def _resolved(
    chain: Sequence[ScenarioFile],
    overrides: Sequence[str],
    studies: Sequence[str],
    layers: Sequence[Layer],
    option_layers: Sequence[Layer],
) -> ResolvedScenario:
    file_layers = [part.layer if part is chain[-1] else heritage(part.layer) for part in chain]
    problems = [problem for part in chain for problem in part.problems]
    if problems:
        raise ScenarioError([*problems, *decide_studies(lay_over(file_layers))[1]])
    applied = lay_over(file_layers).get("apply", Setting((), DEFAULT_ORIGIN))
    asked = {**dict.fromkeys(applied.value, applied.origin), **dict.fromkeys(overrides, "--override")}
    chosen = chosen_overrides(asked, known_overrides(chain))
    given = lay_over([*file_layers, *chosen, *layers, *option_layers])
    if studies:
        given.update(_only(studies, given))
    return _decide(given, chain[-1], tuple(part.source for part in chain))


def _only(names: Sequence[str], given: Mapping[str, Setting]) -> dict[str, Setting]:
    """Return the switches that leave only the named studies active.

    Raises
    ------
    ScenarioError
        If a name is unknown.
    """
    known = study_names(given)
    problems = []
    for name in names:
        if name not in known:
            figures = {"name": name, "nearest": nearest(name, known), "known": ", ".join(known)}
            key = "scenario_unknown_study" if known else "scenario_no_studies"
            problems.append(KeyProblem(_STUDY_ORIGIN, name, Message(key, figures)))
    if problems:
        raise ScenarioError(problems)
    return {f"{STUDIES}.{name}.{ACTIVE}": Setting(name in names, _STUDY_ORIGIN) for name in known}


def _option_layers(sets: Sequence[str], lang: str | None, seed: int | None) -> list[Layer]:
    layers = [set_layer([parse_set(text) for text in sets])] if sets else []
    if seed is not None:
        layers.append(set_layer([("seed", seed)], origin="--seed"))
    if lang is not None:
        layers.append(set_layer([("lang", lang)], origin="--lang"))
    return layers


def _decide(given: Mapping[str, Setting], last: ScenarioFile, sources: tuple[SourceFile, ...]) -> ResolvedScenario:
    """Fill defaults, put keys in order, and check what only the whole can show."""
    name = given.get("name", Setting(_safe_name(last.stem), DEFAULT_ORIGIN))
    settings: dict[str, Setting] = {"name": name}
    for key, spec in key_specs().items():
        if key not in ("name", "extends", "apply"):
            default = list(spec.default) if isinstance(spec.default, tuple) else spec.default
            settings[key] = given.get(key, Setting(default, DEFAULT_ORIGIN))
    for key in ("title_en", "title_zh"):
        if settings[key].value is None:
            settings[key] = Setting(name.value, DEFAULT_ORIGIN)
    for key in ("siting.seed", "routing.seed"):
        if key not in given:
            settings[key] = settings["seed"]
    for key in sorted(k for k in given if k.startswith("parameters.")):
        settings[key] = given[key]
    studies, study_problems = decide_studies(given)
    settings.update(studies)
    problems = [*_name_problems(name), *_county_problems(settings), *study_problems]
    if problems:
        raise ScenarioError(problems)
    if settings["county.source"].value != REFERENCE_SOURCE:
        settings = {key: s for key, s in settings.items() if key not in REFERENCE_ONLY_KEYS}
    return ResolvedScenario(str(name.value), settings, sources)


def _safe_name(stem: str) -> str:
    """Make a file's name fit for a run folder."""
    return "".join(c if c.isalnum() or c in "_-" else "-" for c in stem)[:60] or "scenario"


def _name_problems(name: Setting) -> Iterable[KeyProblem]:
    if str(name.value).casefold() in _RESERVED_NAMES:
        yield KeyProblem(name.origin, "name", Message("scenario_reserved_name", {"name": name.value}))


def _county_problems(settings: Mapping[str, Setting]) -> Iterable[KeyProblem]:
    source = settings["county.source"].value
    if source == REFERENCE_SOURCE:
        return
    for key in REFERENCE_ONLY_KEYS:
        setting = settings[key]
        if setting.origin != DEFAULT_ORIGIN:
            figures = {"key": key, "source": source}
            yield KeyProblem(setting.origin, key, Message("scenario_reference_only", figures))


def language_of(lang: str | None) -> Lang:
    """Return the language asked for on the command line, or Chinese."""
    return next((known for known in LANGS if known == lang), "zh")
