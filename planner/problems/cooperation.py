"""A cooperation question: several operators, the villages they bring parcels to, and every way they might share.

All money is CNY a day unless a name says otherwise; all clock times are minutes after midnight. The model is docs/cooperation.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]

#: Ways to share; ``own`` is always allowed.
SharedMode = Literal["joint", "post", "bus", "shop"]
SHARED_MODES: tuple[SharedMode, ...] = ("joint", "post", "bus", "shop")
PlayerKind = Literal["courier", "post", "bus", "shop"]
#: Trunk trips run every day (docs/model.md §1).
LINE_VISITS_PER_WEEK = 7.0
DAYS_PER_WEEK = 7.0


@dataclass(frozen=True, slots=True)
class Operator:
    """One party of the cooperation.

    Attributes
    ----------
    operator_id, name
        Id of the operators table, and its name.
    kind
        ``courier`` brings parcels of its own; ``post`` does and runs to every village by duty; ``bus`` and ``shop`` only lend room.
    arrival_min
        When its trunk truck is at the county centre.
    deadline_h
        Hours from then to the village point that it promises.
    visits_per_week
        How often its parcels must reach the village, at least.
    handling_cny_per_parcel
        Its own sorting and counter work for a parcel.
    outlet_cny_per_day
        Rent and staff of its own outlet in a township.
    sort_parcels_per_h
        How fast it sorts at the county centre.
    not_shared
        Modes it may not use (head-office rules).
    line_scale, round_scale
        What its own trunk trips and rounds cost against the model's: the calibration to known figures (1: not calibrated).
    has_universal_duty
        Of the post: whether it runs to every village with its mail, whatever the parcels. Without the duty it runs only where it has
        parcels of its own. It binds its mail and says nothing about parcels of others. Not read for other kinds.
    """

    operator_id: str
    name: str
    kind: PlayerKind
    arrival_min: float = 420.0
    deadline_h: float = 24.0
    visits_per_week: float = 5.0
    handling_cny_per_parcel: float = 0.2
    outlet_cny_per_day: float = 50.0
    sort_parcels_per_h: float = 1500.0
    not_shared: frozenset[str] = frozenset()
    line_scale: float = 1.0
    round_scale: float = 1.0
    has_universal_duty: bool = True

    @property
    def has_parcels(self) -> bool:
        """Tell whether it brings parcels (bus companies and shops only lend room)."""
        return self.kind in ("courier", "post")


@dataclass(frozen=True, slots=True)
class BusRun:
    """One departure of a bus line from the county seat.

    Attributes
    ----------
    run_id, line_id
        Names.
    operator
        Index of the bus company among the operators.
    departure_min
        When it leaves the county seat.
    visits_per_week
        Days a week it runs.
    room_out
        Parcels that fit on each segment after the first stop, in the order of the stops; passengers and their luggage are taken off.
    passengers
        Passengers on board on a mean trip: they wait while bags are handed over.
    """

    run_id: str
    line_id: str
    operator: int
    departure_min: float
    visits_per_week: float
    room_out: tuple[float, ...]
    passengers: float


@dataclass(frozen=True, slots=True)
class BusCall:
    """A run at a village: `stop` is the number of segments ridden to it, `minutes` the ride."""

    run: int
    village: int
    stop: int
    minutes: float


@dataclass(frozen=True, slots=True)
class BusReturn:
    """Room of a line towards the county seat, all its runs of a day together, on each segment (as in `BusRun.room_out`)."""

    line_id: str
    room_in: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ShopCall:
    """A merchandise truck at the shop of a village.

    Attributes
    ----------
    village, operator
        Indices.
    visits_per_week
        How often the truck comes.
    parcels_per_visit
        Parcels that fit the truck's room and the shop's shelf, in and out together.
    departure_min, arrival_min
        When it leaves the county seat and is at the shop; the shop must be open then.
    """

    village: int
    operator: int
    visits_per_week: float
    parcels_per_visit: float
    departure_min: float
    arrival_min: float


@dataclass(frozen=True, slots=True)
class CooperationSettings:
    """Figures that hold for all parties.

    Attributes
    ----------
    joint_handling_cny_per_parcel
        Sorting and counter work for a parcel on a joint line.
    joint_sort_parcels_per_h
        How fast the joint centre sorts.
    joint_visits_per_week
        Joint rounds a week.
    handover_cny_per_parcel
        Scans and bags when a parcel changes hands.
    bus_bag_min
        Minutes a bus stands for one operator's bag.
    bus_dwell_min
        Longest stand of a bus for parcels.
    bus_cny_per_h
        What an hour of a standing bus and its driver costs.
    loading_min
        Loading at the county centre before a departure.
    transfer_min
        From the trunk trip to the round in a township.
    day_start_min, day_end_min
        Parcels that would come later than the day's end come the next morning after its start.
    maximum_waves
        Joint departures a township and day at most: 1 or 2.
    """

    joint_handling_cny_per_parcel: float = 0.15
    joint_sort_parcels_per_h: float = 6000.0
    joint_visits_per_week: float = 5.0
    handover_cny_per_parcel: float = 0.1
    bus_bag_min: float = 0.2
    bus_dwell_min: float = 2.0
    bus_cny_per_h: float = 45.0
    loading_min: float = 15.0
    transfer_min: float = 30.0
    day_start_min: float = 480.0
    day_end_min: float = 1140.0
    maximum_waves: int = 2


@dataclass(frozen=True, slots=True, eq=False)
class CooperationProblem:
    """Operators, villages, what a visit costs, and the room others can lend.

    Attributes
    ----------
    operators
        Players, at most one of kind ``post``.
    township_ids, village_ids
        Labels; `village_township` is the township index of each village, and villages are sorted by it.
    inbound, outbound
        Shape (operators, villages): parcels a day; zero where the operator has none there.
    reached
        Same shape: whether the operator drives to the village today.
    line_visit_cny, line_unit_cny, line_min
        Shape (townships,): a trunk visit, a parcel on it, and its minutes.
    round_visit_cny, round_unit_cny, round_min
        Shape (villages,): a visit of the village on a round, a parcel on it, and the minutes from the township.
    joint_station_cny
        Shape (townships,): the joint station a day, where one is used.
    post_line_room, post_round_room
        Shape (townships,): parcels a day of others that fit the post's trunk and round vehicles after mail and its own parcels.
    bus_runs, bus_calls, bus_returns, shop_calls
        Room of buses and merchandise trucks.
    settings
        Figures for all.
    left_out
        Village id → message key of the reason why it is not part of the question.
    sorted_parcels
        Shape (operators,): parcels a day sorted at the centre; None: those of the villages here. A part of a county keeps the
        county's figure, so that its times do not change.
    """

    operators: tuple[Operator, ...]
    township_ids: tuple[str, ...]
    village_ids: tuple[str, ...]
    village_township: Index
    inbound: Floats
    outbound: Floats
    reached: Bools
    line_visit_cny: Floats
    line_unit_cny: Floats
    line_min: Floats
    round_visit_cny: Floats
    round_unit_cny: Floats
    round_min: Floats
    joint_station_cny: Floats
    post_line_room: Floats
    post_round_room: Floats
    bus_runs: tuple[BusRun, ...] = ()
    bus_calls: tuple[BusCall, ...] = ()
    bus_returns: tuple[BusReturn, ...] = ()
    shop_calls: tuple[ShopCall, ...] = ()
    settings: CooperationSettings = CooperationSettings()
    left_out: dict[str, str] = field(default_factory=dict)
    sorted_parcels: Floats | None = None

    def __post_init__(self) -> None:
        shape = (len(self.operators), len(self.village_ids))
        for name in ("inbound", "outbound", "reached"):
            if getattr(self, name).shape != shape:
                msg = f"{name} must have shape {shape}"
                raise ValueError(msg)
        if (np.diff(self.village_township) < 0).any():
            msg = "villages must be sorted by township"
            raise ValueError(msg)
        if sum(operator.kind == "post" for operator in self.operators) > 1:
            msg = "at most one post"
            raise ValueError(msg)

    @property
    def parcels(self) -> Floats:
        """Return inbound plus outbound parcels a day, shape (operators, villages)."""
        return self.inbound + self.outbound

    def goes_to(self, operator: int) -> Bools:
        """Return the villages to which an operator's own rounds go: where it has parcels, and everywhere for the post by its duty."""
        party = self.operators[operator]
        if party.kind == "post" and party.has_universal_duty:
            return np.ones(len(self.village_ids), dtype=np.bool_)
        found: Bools = self.parcels[operator] > 0.0
        return found

    @property
    def volume(self) -> Floats:
        """Return the parcels a day each operator sorts at the county centre."""
        return self.parcels.sum(axis=1) if self.sorted_parcels is None else self.sorted_parcels

    @property
    def player_ids(self) -> tuple[str, ...]:
        """Return the ids of all operators in order."""
        return tuple(operator.operator_id for operator in self.operators)

    def index_of(self, operator_id: str) -> int:
        """Return the index of an operator; ValueError if there is none of that id."""
        if operator_id not in self.player_ids:
            msg = f"no operator {operator_id!r} among {', '.join(self.player_ids)}"
            raise ValueError(msg)
        return self.player_ids.index(operator_id)

    @property
    def post(self) -> int | None:
        """Return the index of the post, or None."""
        return next((i for i, operator in enumerate(self.operators) if operator.kind == "post"), None)
