"""Two scenarios side by side: every setting in which they differ, with the origin of either value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scenarios.overrides import DEFAULT_ORIGIN, Setting
from scenarios.resolve import ResolvedScenario

#: Settings that name a scenario and decide nothing.
_NAMES = ("name", "title_en", "title_zh")


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One setting that differs; None where a scenario lacks it (a study or a figure only one of them has).

    Attributes
    ----------
    key
        Dotted key.
    first, second
        Value and origin in either scenario.
    """

    key: str
    first: Setting | None
    second: Setting | None


def scenario_changes(first: ResolvedScenario, second: ResolvedScenario) -> tuple[SettingChange, ...]:
    """Return every setting in which two resolved scenarios differ, in the order of a scenario file.

    Names and titles are left out. The path of the same county file counts as the same however it is written.
    """
    keys = dict.fromkeys([*first.settings, *second.settings])
    changes = (SettingChange(key, first.settings.get(key), second.settings.get(key)) for key in keys)
    return tuple(
        change
        for change in changes
        if change.key not in _NAMES and _seen(first, change.key) != _seen(second, change.key)
    )


def _seen(scenario: ResolvedScenario, key: str) -> tuple[bool, Any]:
    if key == "county.source" and scenario.source_path is not None:
        return True, scenario.source_path
    setting = scenario.settings.get(key)
    return (False, None) if setting is None else (True, setting.value)


def origin_of(setting: Setting | None) -> str:
    """Return where a value comes from; the default where the scenario lacks the setting."""
    return DEFAULT_ORIGIN if setting is None else setting.origin
