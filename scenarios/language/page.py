"""The reference page of all keys of a scenario file, made from the JSON Schema and from nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from geodata.messages import text
from scenarios.spec import NONE_WORD

Schema = Mapping[str, Any]
_KINDS = {"number": "number", "integer": "whole number", "boolean": "true or false", "string": "text"}
_HEAD = ("| key | value | unit | default | meaning | 含义 |", "|---|---|---|---|---|---|")
_BIG = 1e6


def reference_page(schema: Schema) -> str:
    """Return the page as Markdown.

    Parameters
    ----------
    schema
        See `scenarios.language.schema.scenario_schema`.
    """
    definitions = schema["$defs"]
    lines = ["# Every key of a scenario file 方案文件参数名总表", "", text("reference_intro", "en"), ""]
    lines += [text("reference_intro", "zh"), "", "## At the top 顶层", ""]
    top = {key: node for key, node in schema["properties"].items() if "$ref" not in node and "description" in node}
    lines += _rows("", top)
    for name, node in schema["properties"].items():
        section = str(node.get("$ref", "")).rpartition("/")[2]
        if section:
            lines += ["", f"## `[{name}]`", "", *_rows(f"{name}.", definitions[section]["properties"])]
    lines += ["", "## `[overrides.NAME]`", "", text("reference_overrides", "en"), "", text("reference_overrides", "zh")]
    lines += ["", "## `[studies.NAME]`", "", text("reference_studies", "en"), "", text("reference_studies", "zh"), ""]
    kinds = {n.removeprefix("Study_"): d["properties"] for n, d in definitions.items() if n.startswith("Study_")}
    first, *others = kinds.values()
    common = {key: node for key, node in first.items() if all(kind.get(key) == node for kind in others)}
    lines += _rows("", common)
    for name, properties in kinds.items():
        own = {key: node for key, node in properties.items() if key not in common and "description" in node}
        lines += ["", f"### `{name}`", "", *(_rows("", own) if own else ("—",))]
    return "\n".join(lines) + "\n"


def _rows(prefix: str, properties: Schema) -> Iterator[str]:
    yield from _HEAD
    for key, node in properties.items():
        if "description" in node:
            cells = (f"`{prefix}{key}`", allowed(node), node.get("x-unit", ""), _default(node))
            yield f"| {' | '.join((*cells, _safe(node['description']), _safe(node['x-zh'])))} |"


def _safe(words: str) -> str:
    return words.replace("|", "\\|")


def allowed(node: Schema) -> str:
    """Return in words what a node of the schema lets stand there."""
    if "anyOf" in node:
        return " or ".join(allowed(part) for part in node["anyOf"])
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return " or ".join(f"`{word}`" for word in node["enum"])
    if node.get("type") == "array":
        inner = node.get("items", {})
        return f"list of {'names' if inner.get('type') == 'string' else 'numbers'}{_range(inner)}"
    return f"{_KINDS[str(node['type'])]}{_range(node)}"


def _range(node: Schema) -> str:
    low, high, above = (node.get(key) for key in ("minimum", "maximum", "exclusiveMinimum"))
    if high is not None and high >= 2**31 - 1:
        high = None
    if high is not None:
        return f" {_figure(low or 0)}–{_figure(high)}"
    if above is not None:
        return f" above {_figure(above)}"
    return "" if low is None else f" from {_figure(low)}"


def _figure(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.0f}" if float(value).is_integer() and abs(value) >= _BIG else f"{value:.10g}"
    return str(value)


def _default(node: Schema) -> str:
    if "default" not in node:
        return "—"
    value = node["default"]
    if isinstance(value, list):
        return f"`{json.dumps(value, ensure_ascii=False)}`"
    return f"`{NONE_WORD if value is None else _figure(value)}`"
