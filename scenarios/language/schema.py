"""The JSON Schema of a scenario file, from the pydantic models that check one; editors complete and check by it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from geodata.parameters import default_parameters
from scenarios.language.words import PARAMETERS, meaning, parameter_spec, unit
from scenarios.plan_json import plain
from scenarios.spec import NONE_WORD, STUDIES, KeySpec, file_model, key_specs, value_type
from scenarios.studies.registry import study_kinds
from scenarios.studies.settings import KIND, key_spec, options_of

DRAFT = "https://json-schema.org/draft/2020-12/schema"
#: Models of the tables in which the keys of a whole file may stand: the file and its overrides.
_TREES = ("Override",)
#: Name of a study while its options are described.
_ANY = "NAME"

_CLOSED = ConfigDict(extra="forbid")

Schema = dict[str, Any]


def scenario_schema() -> Schema:
    """Return the JSON Schema of a scenario file.

    TOML has no null: where a key may be without a value, the word ``none`` stands. Every key carries its meaning in
    English (``description``) and Chinese (``x-zh``) and its unit (``x-unit``).
    """
    schema = file_model().model_json_schema()
    definitions = schema["$defs"]
    for spec in key_specs().values():
        for node in _nodes(schema, spec.key):
            _tell(node, spec, {})
    parameters = [spec for spec in map(parameter_spec, default_parameters()) if spec is not None]
    definitions["Parameters"] = _table(parameters, {})
    definitions["Study"] = _study()
    for kind in study_kinds():
        definitions[f"Study_{kind}"] = _study_kind(kind)
    for tree in (schema, *(definitions[name] for name in _TREES)):
        tree["properties"][PARAMETERS] = {"$ref": "#/$defs/Parameters"}
        studies = {"type": "object", "additionalProperties": {"$ref": "#/$defs/Study"}}
        tree["properties"][STUDIES] = studies
    head = {
        "$schema": DRAFT,
        "title": "xiangyou scenario",
        "description": "A scenario file of xiangyou (乡邮方案文件).",
    }
    return {**schema, **head}


def _nodes(schema: Schema, key: str) -> Iterator[Schema]:
    """Yield every place of the schema that describes a key."""
    definitions = schema["$defs"]
    section, _, leaf = key.rpartition(".")
    trees = [definitions[f"{section.capitalize()}Section"]] if section else [schema, definitions["Override"]]
    for tree in trees:
        if leaf in tree["properties"]:
            yield tree["properties"][leaf]


def _tell(node: Schema, spec: KeySpec, kinds: Mapping[str, str]) -> None:
    """Put into a key's schema what pydantic does not know: words, unit, and ``none`` for no value."""
    node.pop("title", None)
    if spec.is_optional:
        node["anyOf"] = [part for part in node["anyOf"] if part.get("type") != "null"] + [{"const": NONE_WORD}]
    node["description"] = meaning(spec.key, "en", kinds)
    node["x-zh"] = meaning(spec.key, "zh", kinds)
    words = unit(spec, "en")
    if words:
        node["x-unit"] = words
    node.pop("default", None)
    if spec.default is not None or spec.is_optional:
        node["default"] = NONE_WORD if spec.default is None else plain(spec.default)


def _table(specs: Iterable[KeySpec], kinds: Mapping[str, str]) -> Schema:
    """Return the schema of a table of keys, by a pydantic model of them."""
    by_leaf = {spec.key.rpartition(".")[2]: spec for spec in specs}
    fields: dict[str, Any] = {leaf: (value_type(spec), spec.default) for leaf, spec in by_leaf.items()}
    model: type[BaseModel] = create_model("Table", __config__=_CLOSED, **fields)
    schema: Schema = model.model_json_schema()
    for leaf, spec in by_leaf.items():
        _tell(schema["properties"][leaf], spec, kinds)
    schema.pop("title", None)
    return schema


def _study() -> Schema:
    """Return the schema of any study: its options follow from its kind, where the kind stands in the same table."""
    kinds = list(study_kinds())
    rules = [
        {
            "if": {"properties": {KIND: {"const": kind}}, "required": [KIND]},
            "then": {"$ref": f"#/$defs/Study_{kind}"},
        }
        for kind in kinds
    ]
    return {"type": "object", "minProperties": 1, "properties": {KIND: {"enum": kinds}}, "allOf": rules}


def _study_kind(kind: str) -> Schema:
    schema = _table((key_spec(_ANY, option) for option in options_of(study_kinds()[kind])), {_ANY: kind})
    schema["properties"] = {KIND: {"const": kind}, **schema["properties"]}
    return schema


def json_text(schema: Schema) -> str:
    """Return a schema as text, in its own order."""
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
