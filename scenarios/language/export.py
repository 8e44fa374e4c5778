"""A scenario's own file written again in the other form: workbook or TOML, as given, nothing resolved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from geodata.errors import UsageError
from geodata.messages import Lang, Message
from scenarios.language.read import OVERRIDES, is_workbook
from scenarios.language.write import write_sheets
from scenarios.resolve import IMPORTER_PREFIX, REFERENCE_SOURCE, resolve_scenario
from scenarios.rundir import whole_file, write_text
from scenarios.scenario_files import library_names, scenario_document


def export_scenario(scenario: str, target: Path, lang: Lang) -> None:
    """Write a scenario as a workbook (``.xlsx``) or a TOML file (``.toml``).

    What the file says is kept, value by value; comments are not. Paths in it are written anew where the target lies in
    another folder.

    Parameters
    ----------
    scenario
        Library name, or path of a scenario file in either form.
    target
        File to write; nothing is written over.
    lang
        Language of the workbook's headings and help.

    Raises
    ------
    UsageError
        If the scenario does not exist, cannot be read, or the target has another ending.
    ScenarioError
        With everything wrong with it.
    InputError
        If the target exists or cannot be written.
    """
    if not is_workbook(target.name) and target.suffix.lower() != ".toml":
        raise UsageError(Message("export_ending", {"file": target.name}))
    resolve_scenario(scenario)
    document, folder = scenario_document(scenario)
    if folder is not None and folder.resolve() != target.resolve().parent:
        document = _moved(document, folder, target.resolve().parent)
    with whole_file(target) as place:
        if is_workbook(target.name):
            write_sheets(document, place, lang)
        else:
            write_text(place, tomli_w.dumps(document))


def _moved(document: Mapping[str, Any], old: Path, new: Path) -> dict[str, Any]:
    """Return a document whose paths start from another folder."""
    result = dict(document)
    if isinstance(result.get("extends"), str) and result["extends"] not in library_names():
        result["extends"] = _path(result["extends"], old, new)
    if "county" in result:
        result["county"] = _county(result["county"], old, new)
    if OVERRIDES in result:
        result[OVERRIDES] = {
            name: {**tree, "county": _county(tree["county"], old, new)} if "county" in tree else tree
            for name, tree in result[OVERRIDES].items()
        }
    return result


def _county(section: Mapping[str, Any], old: Path, new: Path) -> dict[str, Any]:
    source = section.get("source", REFERENCE_SOURCE)
    if source == REFERENCE_SOURCE or source.startswith(IMPORTER_PREFIX):
        return dict(section)
    return {**section, "source": _path(source, old, new)}


def _path(written: str, old: Path, new: Path) -> str:
    """Return a path as written from the new folder; in full where there is no way between them."""
    place = Path(written).expanduser()
    if place.is_absolute():
        return written
    target = (old / place).resolve()
    try:
        return Path(os.path.relpath(target, new)).as_posix()
    except ValueError:  # another drive
        return target.as_posix()
