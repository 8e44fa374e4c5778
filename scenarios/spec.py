"""The keys of a scenario file: name, kind, range, default and meaning of each, and the pydantic models made from them.

The keys of ``[standard]``, ``[siting]`` and ``[routing]`` are the fields of the planner's own settings, so that a new
setting is a new key without a second list to keep.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from types import NoneType
from typing import Annotated, Any, Literal, TypeGuard, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, create_model

from geodata.changes import SEASONS, CountyChanges
from geodata.errors import UsageError
from geodata.messages import LANGS, Lang, Message
from geodata.parameters import Parameter, default_parameters
from planner.problems.standard import RoutingSettings, ServiceStandard, SitingSettings
from scenarios.key_ranges import RANGES, SEED_MAX, Range

Kind = Literal["number", "whole", "switch", "text", "name", "choice", "names", "numbers"]

#: Word a scenario writes where a setting shall have no value (TOML has no null): ``budget_cny = "none"``.
NONE_WORD = "none"
#: The sections whose keys are the fields of a planner setting.
SETTINGS: Mapping[str, type] = {
    "changes": CountyChanges,
    "standard": ServiceStandard,
    "siting": SitingSettings,
    "routing": RoutingSettings,
}
#: Words of the settings that are a choice.
CHOICES: Mapping[str, tuple[str, ...]] = {"changes.season": SEASONS}
#: Section of the further questions; what stands in each depends on its kind (`scenarios.studies.settings`).
STUDIES = "studies"
#: Keys of ``[county]`` that mean something only for the invented reference county.
REFERENCE_ONLY_KEYS = ("county.townships", "county.villages", "county.seed")
#: Top-level keys that say how files are put together; they may stand in a file only, not in an override or ``--set``.
FILE_ONLY_KEYS = ("name", "extends", "apply", "overrides")

_NAME_PATTERN = r"^[\w-]{1,60}$"


@dataclass(frozen=True, slots=True)
class KeySpec:
    """One key of a scenario file.

    Attributes
    ----------
    key
        Dotted key (``standard.access_km``).
    kind
        What may stand there.
    default
        Value where no file gives one.
    low, high
        Least and greatest value, or None.
    above
        Value it must exceed, or None.
    is_optional
        Whether ``"none"`` may stand there.
    choices
        Words allowed, for kind ``choice``.
    meaning
        One English sentence for the reference page.
    """

    key: str
    kind: Kind
    default: object
    low: float | None = None
    high: float | None = None
    above: float | None = None
    is_optional: bool = False
    choices: tuple[str, ...] = ()
    meaning: str = ""

    def expected(self) -> tuple[str, dict[str, object]]:
        """Return the message key that says what is expected, and its figures."""
        figures: dict[str, object] = {
            "low": _figure(self.low),
            "high": _figure(self.high),
            "above": _figure(self.above),
        }
        if self.kind in ("number", "whole", "numbers"):
            ending = "_between" if self.high is not None else "_above" if self.above is not None else "_from"
            if self.low is None and self.above is None:
                ending = ""
            return f"scenario_expected_{self.kind}{ending}", figures
        return f"scenario_expected_{self.kind}", {"choices": ", ".join(self.choices)}


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"  # noqa: PLR2004


_TOP_KEYS = (
    KeySpec("name", "name", None, meaning="Short name, used in the run folder's name; else the file's name."),
    KeySpec("title_en", "text", None, meaning="English title on map and report; else the name."),
    KeySpec("title_zh", "text", None, meaning="Chinese title on map and report; else the name."),
    KeySpec("extends", "text", None, meaning="Library scenario, or path of a scenario file, that comes first."),
    KeySpec("seed", "whole", 1, low=0, high=SEED_MAX, meaning="Seed of every step that draws at random."),
    KeySpec("lang", "choice", "zh", choices=LANGS, meaning="Language of map, report, tables and messages."),
    KeySpec("apply", "names", (), meaning="Names of the overrides to apply."),
)
_COUNTY_KEYS = (
    KeySpec(
        "county.source",
        "text",
        "reference",
        meaning="`reference`, `importer:NAME`, or the path of a workbook, a CSV folder or a GeoPackage.",
    ),
    KeySpec("county.townships", "whole", 18, low=1, high=500, meaning="Townships of the reference county."),
    KeySpec(
        "county.villages",
        "whole",
        None,
        low=4,
        high=20_000,
        is_optional=True,
        meaning="Villages of the reference county, at least four a township; none: about twelve a township.",
    ),
    KeySpec("county.seed", "whole", 1, low=0, high=SEED_MAX, meaning="Seed of the reference county."),
    KeySpec(
        "county.place_unlocated",
        "choice",
        "no",
        choices=("no", "township_seat"),
        meaning="Villages without a known place: listed as unserved (`no`), or put at their township's seat.",
    ),
    KeySpec(
        "county.population",
        "number",
        None,
        above=0,
        is_optional=True,
        meaning="Population shared over villages whose township gives no figure; none: not known.",
    ),
    KeySpec(
        "county.township_cluster_count",
        "whole",
        None,
        low=1,
        high=500,
        is_optional=True,
        meaning="Clusters that stand in for townships where the data has none; none: derived from the village count.",
    ),
    KeySpec(
        "county.detour_factor",
        "number",
        None,
        low=1,
        high=5,
        is_optional=True,
        meaning="Road over straight-line distance for a county without roads; none: the parameter's default.",
    ),
)


def _setting_keys(section: str, settings: type) -> Iterable[KeySpec]:
    """Derive the keys of a section from the fields of a settings dataclass."""
    hints = typing.get_type_hints(settings)
    meanings = attribute_meanings(settings)
    for entry in dataclasses.fields(settings):
        key = f"{section}.{entry.name}"
        kind = _kind_of(key, hints[entry.name])
        yield KeySpec(
            key,
            kind,
            entry.default,
            *RANGES.get(key, Range()),
            is_optional=NoneType in typing.get_args(hints[entry.name]),
            choices=CHOICES.get(key, ()),
            meaning=meanings.get(entry.name, ""),
        )


def _kind_of(key: str, hint: Any) -> Kind:
    """Return what may stand in a key whose field has this type."""
    if key in CHOICES:
        return "choice"
    if typing.get_origin(hint) is tuple:
        return "names"
    options = [t for t in typing.get_args(hint) or (hint,) if t is not NoneType]
    return "switch" if bool in options else "whole" if int in options else "number"


def attribute_meanings(documented: type) -> dict[str, str]:
    """Return the attributes' descriptions of a numpydoc class docstring, each on one line."""
    _, _, body = inspect.cleandoc(documented.__doc__ or "").partition("Attributes\n")
    meanings: dict[str, str] = {}
    names: list[str] = []
    for line in body.splitlines()[1:]:
        text = line.strip()
        if text and not line.startswith(" "):
            names = [name.strip() for name in text.split(",")]
        elif text:
            for name in names:
                meanings[name] = f"{meanings[name]} {text}" if name in meanings else text
    return meanings


@cache
def key_specs() -> Mapping[str, KeySpec]:
    """Return every key with a fixed name, in a scenario file's order; ``[parameters]`` keys are not among them."""
    specs = [*_TOP_KEYS, *_COUNTY_KEYS]
    for section, settings in SETTINGS.items():
        specs += _setting_keys(section, settings)
    return {spec.key: spec for spec in specs}


@dataclass(frozen=True, slots=True)
class KeyProblem:
    """One thing wrong with a scenario.

    Attributes
    ----------
    origin
        File name or option it stands in.
    key
        Dotted key; empty when the whole is meant.
    message
        What is wrong and what would be right.
    """

    origin: str
    key: str
    message: Message

    def text(self, lang: Lang) -> str:
        """Say where and what, in `lang`."""
        return f"{self.origin}: {self.message.text(lang)}"


class ScenarioError(UsageError):
    """A scenario asks for something that does not exist; `problems` holds everything found at once."""

    def __init__(self, problems: Sequence[KeyProblem]) -> None:
        self.problems: tuple[KeyProblem, ...] = tuple(problems)
        super().__init__(Message("scenario_unusable", {"count": len(self.problems)}))


_CONFIG = ConfigDict(frozen=True, extra="forbid", strict=True)


def _word_to_none(value: object) -> object:
    return None if value == NONE_WORD else value


def _annotation(spec: KeySpec) -> Any:
    """Return the pydantic type of one key."""
    limits = Field(ge=spec.low, le=spec.high, gt=spec.above, allow_inf_nan=None if spec.kind == "whole" else False)
    kinds: Mapping[str, Any] = {
        "number": Annotated[float, limits],
        "whole": Annotated[int, limits],
        "switch": bool,
        "text": Annotated[str, StringConstraints(min_length=1)],
        "name": Annotated[str, StringConstraints(pattern=_NAME_PATTERN)],
        "choice": Literal[spec.choices] if spec.choices else str,
        "names": list[str],
        "numbers": list[float],
    }
    kind = kinds[spec.kind]
    return Annotated[kind | None, BeforeValidator(_word_to_none)] if spec.is_optional else kind


def _section_model(section: str) -> type[BaseModel]:
    fields: dict[str, Any] = {
        spec.key.partition(".")[2]: (_annotation(spec), spec.default)
        for spec in key_specs().values()
        if spec.key.startswith(f"{section}.")
    }
    return create_model(f"{section.capitalize()}Section", __config__=_CONFIG, **fields)


@cache
def _models() -> tuple[type[BaseModel], type[BaseModel]]:
    """Make the models of a scenario file and of an override tree."""
    shared: dict[str, Any] = {
        section: (_section_model(section), Field(default_factory=dict)) for section in ("county", *SETTINGS)
    }
    shared["parameters"] = (dict[str, Annotated[float, Field(allow_inf_nan=False)]], Field(default_factory=dict))
    study_name = Annotated[str, StringConstraints(pattern=_NAME_PATTERN)]
    shared[STUDIES] = (dict[study_name, dict[str, Any]], Field(default_factory=dict))
    top: dict[str, Any] = {spec.key: (_annotation(spec), spec.default) for spec in _TOP_KEYS}
    in_trees = {key: entry for key, entry in top.items() if key not in FILE_ONLY_KEYS}
    tree: Any = create_model("OverrideTree", __config__=_CONFIG, **in_trees, **shared)
    override: Any = create_model("Override", __config__=_CONFIG, **in_trees, apply=top["apply"], **shared)
    whole = {**top, **shared, "overrides": (dict[str, override], Field(default_factory=dict))}
    return create_model("ScenarioFile", __config__=_CONFIG, **whole), tree


def file_model() -> type[BaseModel]:
    """Return the pydantic model of a whole scenario file."""
    return _models()[0]


def value_type(spec: KeySpec) -> Any:
    """Return the pydantic type of what may stand in a key."""
    return _annotation(spec)


def check_file(document: Mapping[str, object], origin: str) -> tuple[dict[str, Any], list[KeyProblem]]:
    """Check a whole scenario file; return the values that stand in it, and every problem."""
    return _checked(_models()[0], document, origin)


def check_tree(tree: Mapping[str, object], origin: str) -> tuple[dict[str, Any], list[KeyProblem]]:
    """Check a partial tree (an override, or all ``--set`` together)."""
    return _checked(_models()[1], tree, origin)


def _checked(
    model: type[BaseModel], document: Mapping[str, object], origin: str
) -> tuple[dict[str, Any], list[KeyProblem]]:
    try:
        checked = model.model_validate(document)
    except ValidationError as error:
        found = [_problem(details, model, origin) for details in error.errors(include_url=False)]
        return _studies_alone(document), [*found, *_parameter_problems(document, origin)]
    problems = [*_parameter_problems(document, origin), *_empty_studies(document, origin)]
    return checked.model_dump(exclude_unset=True), problems


def _empty_studies(document: Mapping[str, object], origin: str) -> list[KeyProblem]:
    """Find studies without a single key: they would vanish without a word."""
    tables = cast("Mapping[str, Mapping[str, object]]", document.get(STUDIES, {}))
    keys = [f"{STUDIES}.{name}.kind" for name, table in tables.items() if not table]
    return [KeyProblem(origin, key, Message("scenario_study_empty", {"key": key})) for key in keys]


def _studies_alone(document: Mapping[str, object]) -> dict[str, Any]:
    """Return the studies of a file that is wrong elsewhere, so their problems are told with the others."""
    given = document.get(STUDIES)
    if not isinstance(given, Mapping):
        return {}
    return {STUDIES: {name: dict(table) for name, table in given.items() if isinstance(table, Mapping)}}


def _problem(details: Any, model: type[BaseModel], origin: str) -> KeyProblem:
    """Turn one pydantic finding into a sentence with key, value and what is expected."""
    path = [str(part) for part in details["loc"] if not isinstance(part, int)]
    key = ".".join(path)
    if details["type"] == "extra_forbidden":
        nearest = _nearest_key(path, model)
        return KeyProblem(origin, key, Message("scenario_unknown_key", {"key": key, "nearest": nearest}))
    code, figures = _expected(path)
    return KeyProblem(origin, key, Message(code, {"key": key, "value": _shown(details["input"]), **figures}))


def _expected(path: Sequence[str]) -> tuple[str, dict[str, object]]:
    plain = path[2:] if path[0] == "overrides" else path
    if path[-1] == "[key]":
        return "scenario_expected_name", {}
    spec = key_specs().get(".".join(plain))
    if spec is not None:
        return spec.expected()
    if plain and plain[0] == "parameters" and len(plain) > 1:
        return "scenario_expected_number", {}
    return "scenario_expected_table", {}


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004


def _nearest_key(path: Sequence[str], model: type[BaseModel]) -> str:
    """Return the known key nearest to an unknown one: the same word elsewhere, or the likest name beside it."""
    *parents, word = path[2:] if path[0] == "overrides" and len(path) > 2 else path  # noqa: PLR2004
    section = f"{parents[0]}." if parents else ""
    beside = {key.rpartition(".")[2]: key for key in key_specs() if section and key.startswith(section)}
    sections = {} if section else dict.fromkeys(model.model_fields, "")
    elsewhere = {key.rpartition(".")[2]: key for key in reversed(list(key_specs()))}
    likest = nearest(word, [*beside, *sections, *elsewhere])
    return beside.get(likest) or (likest if likest in sections else elsewhere.get(likest, ""))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the likest of the known names; empty if there is none."""
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=0.0)), "")


def _parameter_problems(document: Mapping[str, object], origin: str) -> list[KeyProblem]:
    """Find unknown parameter ids, and figures beyond what makes sense."""
    trees = [("", document)]
    overrides = document.get("overrides")
    if isinstance(overrides, Mapping):
        trees += [(f"overrides.{name}.", tree) for name, tree in overrides.items() if isinstance(tree, Mapping)]
    known = default_parameters()
    problems: list[KeyProblem] = []
    for prefix, tree in trees:
        given = tree.get("parameters")
        for parameter_id, value in given.items() if isinstance(given, Mapping) else ():
            key = f"{prefix}parameters.{parameter_id}"
            if parameter_id not in known:
                likest = f"parameters.{nearest(parameter_id, known)}"
                problems.append(
                    KeyProblem(origin, key, Message("scenario_unknown_key", {"key": key, "nearest": likest}))
                )
            elif _is_number(value) and not known.entry(parameter_id).can_be(value):
                problems.append(KeyProblem(origin, key, _beyond(key, value, known.entry(parameter_id))))
    return problems


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _beyond(key: str, value: float, entry: Parameter) -> Message:
    sentence = "scenario_expected_number_from" if value < entry.minimum else "scenario_expected_number_between"
    return Message(sentence, {**entry.limits(), "key": key, "value": _shown(value), "above": ""})
