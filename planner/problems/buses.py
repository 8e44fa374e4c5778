"""Buses as lanes: runs with room, places that load and unload at stops, rules of the hand-over, and the bus side of a decision.

Passengers come first: the timetable is fixed, no bus leaves its way, parcels take only the room left, and every minute a
hand-over holds the bus up is counted for everybody on board.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from networks.timetable import DAY_MIN, EVERY_DAY, BusRun

Kind = Literal["delivery", "pickup"]
#: Slack for sums of parcels, seconds and minutes when a limit is compared.
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class BusPoint:
    """A village point and the parcels of one service day; it is handed its bags at any of `stop_ids`."""

    point_id: str
    delivery_parcels: float
    pickup_parcels: float
    stop_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class BusOrigin:
    """A centre or station that puts parcels on buses.

    Attributes
    ----------
    origin_id
        Facility.
    stop_ids
        Stops it loads at and takes pick-ups from.
    ready_min
        Minutes after midnight when the day's parcels stand bagged at the stop.
    point_ids
        Points whose parcels it handles.
    """

    origin_id: str
    stop_ids: frozenset[str]
    ready_min: float
    point_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class BusRules:
    """Rules and prices.

    Attributes
    ----------
    weekdays
        Days of the week on which villages are served; a run must run on all of them.
    dwell_max_min
        Longest time a bus may be held up at a stop on the way.
    handover_s, handover_s_per_bag
        Seconds a hand-over takes, and more for every bag. Loading before the first stop's departure and unloading at the last
        stop hold nobody up.
    bag_parcels
        Parcels of a bag at the most; bags are for one village.
    delay_max_min
        Longest delay of a run over all its stops.
    hours_most
        A parcel must be at the village's stop within so many hours of being ready (a missed bus waits for tomorrow's).
    open_min, close_min
        Hand-overs happen between these times of day only.
    line_cny_per_day, parcel_cny, bag_cny
        Fee per line and service day, fee per parcel, and the work on a bag.
    passenger_cny_per_h
        What an hour of a passenger's time counts in the choice; it is no cash and not in the saving.
    waiting_cny_per_parcel_h
        What an hour of a parcel's waiting and riding counts in the choice; not in the saving.
    passengers
        People on board of a run that gives no figure of its own; None: not known, and then no saving may be printed.
    """

    weekdays: frozenset[int] = EVERY_DAY
    dwell_max_min: float = 2.0
    handover_s: float = 20.0
    handover_s_per_bag: float = 10.0
    bag_parcels: float = 20.0
    delay_max_min: float = 10.0
    hours_most: float = 24.0
    open_min: float = 360.0
    close_min: float = 1200.0
    line_cny_per_day: float = 10.0
    parcel_cny: float = 0.0
    bag_cny: float = 0.3
    passenger_cny_per_h: float = 15.0
    waiting_cny_per_parcel_h: float = 0.001
    passengers: float | None = None

    @property
    def share_of_week(self) -> float:
        """Service days over days."""
        return len(self.weekdays) / 7.0

    def passengers_of(self, run: BusRun) -> float | None:
        """Return the people on board of a run, or None if nobody counted."""
        return self.passengers if run.passengers is None else run.passengers


@dataclass(frozen=True, eq=False)
class BusSide:
    """Everything the buses bring in.

    Attributes
    ----------
    runs, points, origins, rules
        Runs of the timetable, points that may ride, who puts parcels on buses, rules and prices.
    relief_cny
        (point, origin) → CNY of a mean day saved upstream when the point rides from this origin (the trunk truck handles its
        parcels no more); absent: nothing.
    """

    runs: tuple[BusRun, ...]
    points: tuple[BusPoint, ...]
    origins: tuple[BusOrigin, ...]
    rules: BusRules
    relief_cny: Mapping[tuple[str, str], float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ride:
    """A way for parcels of a point: run, calls (positions in the run) where they get on and off, and which origin handles them."""

    run: int
    point: int
    origin: int
    kind: Kind
    board: int
    alight: int
    hours: float


@dataclass(frozen=True, slots=True)
class BusLoad:
    """Parcels in whole bags on one ride; the decision of the bus side is a set of these.

    `board` and `alight` are positions of calls in the run.
    """

    run_id: str
    point_id: str
    origin_id: str
    kind: Kind
    board: int
    alight: int
    parcels: float
    bags: int


@dataclass(frozen=True, slots=True)
class BusDecision:
    """Loads of one service day, and which origin serves each point that rides (all others stay with the trucks)."""

    loads: tuple[BusLoad, ...] = ()
    origin_of_point: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PassengerDelay:
    """What the hand-overs cost the passengers on one service day.

    Attributes
    ----------
    minutes_of_run
        Run → minutes it is held up over all its stops.
    passenger_min
        Σ minutes × people on board; None where the people of a delayed run were not counted.
    """

    minutes_of_run: Mapping[str, float]
    passenger_min: float | None

    @property
    def worst_min(self) -> float:
        """Longest delay of a run."""
        return max(self.minutes_of_run.values(), default=0.0)


class SavingWithoutDelayError(ValueError):
    """Somebody asked for the saving of a bus plan without its passenger delay."""


@dataclass(frozen=True, slots=True)
class BusSaving:
    """Saving and passenger delay, which are told together or not at all.

    Raises
    ------
    SavingWithoutDelayError
        If the delay is missing or its passengers were not counted.
    """

    cny_per_day: float
    delay: PassengerDelay

    def __post_init__(self) -> None:
        minutes = getattr(self.delay, "passenger_min", None)
        if minutes is None or not math.isfinite(minutes):
            msg = "a saving by buses is not told without the delay of the passengers"
            raise SavingWithoutDelayError(msg)


def hold_up_min(side: BusSide, run: int, bags_at: Mapping[int, int]) -> float:
    """Return the minutes a run is held up by these bags a call; first and last stop hold nobody up."""
    last = len(side.runs[run].calls) - 1
    rules = side.rules
    seconds = [
        rules.handover_s + rules.handover_s_per_bag * bags for call, bags in bags_at.items() if 0 < call < last and bags
    ]
    return math.fsum(seconds) / 60.0


def passenger_delay(side: BusSide, decision: BusDecision) -> PassengerDelay:
    """Return the delay of every run of a decision; a run's delay counts for all its passengers (the careful side)."""
    index = {run.run_id: r for r, run in enumerate(side.runs)}
    bags: dict[int, dict[int, int]] = {}
    for load in decision.loads:
        at = bags.setdefault(index[load.run_id], {})
        for call in (load.board, load.alight):
            at[call] = at.get(call, 0) + load.bags
    minutes = {side.runs[r].run_id: hold_up_min(side, r, at) for r, at in sorted(bags.items())}
    total: float | None = 0.0
    for r in sorted(bags):
        people, held = side.rules.passengers_of(side.runs[r]), minutes[side.runs[r].run_id]
        if held > 0.0:
            total = None if people is None or total is None else total + held * people
    return PassengerDelay(minutes, total)


def hours_until(ready_min: float, departure_min: float, arrival_min: float) -> float:
    """Return hours from ready to arrival; a bus that left before waits for its next day."""
    return ((departure_min - ready_min) % DAY_MIN + arrival_min - departure_min) / 60.0
