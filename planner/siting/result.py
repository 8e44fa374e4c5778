"""What siting decides: which sites are open, and who is served from where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from planner.reports import SolveReport

#: Why a village is not served. Texts: message keys ``reason_<code>``.
ReasonCode = Literal["no_location", "off_road", "no_site_in_reach", "capacity", "budget", "not_required", "no_vehicle"]


@dataclass(frozen=True, slots=True)
class Unserved:
    """A village without service, and why.

    Attributes
    ----------
    village_code
        Village.
    reason
        Reason code.
    params
        Figures of the sentence ``reason_<code>`` (for example the distance to the nearest open point in km).
    """

    village_code: str
    reason: ReasonCode
    params: Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class SitingResult:
    """Sites and allocation; decisions only.

    Attributes
    ----------
    open_ids
        Facility ids in use, all tiers, sorted.
    closed_ids
        Existing facilities the plan closes, sorted.
    point_of_village
        Village code → facility id of its point; villages absent here stand in `unserved`.
    station_of_point
        Point facility id → township station facility id; exactly the open points.
    centre_of_station
        Station facility id → county centre facility id; exactly the open stations.
    unserved
        Every village of the list that is not served, with its reason.
    report
        Status, bound and gap of the siting model's own objective (CNY a day).
    """

    open_ids: tuple[str, ...]
    closed_ids: tuple[str, ...]
    point_of_village: Mapping[str, str]
    station_of_point: Mapping[str, str]
    centre_of_station: Mapping[str, str]
    unserved: tuple[Unserved, ...]
    report: SolveReport
