"""Operators as data: kind, promise, cost figures and restrictions of each, completed from parameters where the county is silent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from geodata.county import County
from geodata.errors import InputError, Problem
from geodata.messages import Message
from planner.costs import DAYS_PER_YEAR, driver_cny_per_h
from planner.problems.cooperation import SHARED_MODES, Operator, PlayerKind

#: Words of a yes-or-no cell.
YES, NO = "true", "false"
BUS_PLAYER, SHOP_PLAYER = "bus", "shop"
_MONTHS = 12.0
_HOURS_PER_YEAR = 174.0 * _MONTHS
_KINDS: Mapping[str, PlayerKind] = {"post": "post", "bus": "bus", "shop": "shop", "coop": "shop"}


def operators_of(county: County, *, visits_per_week: float) -> tuple[tuple[Operator, ...], list[Message]]:
    """Return the players of a county, couriers and post first, and what was assumed about them.

    Parameters
    ----------
    county
        Completed county.
    visits_per_week
        Frequency every operator promises unless its terms say otherwise.

    Raises
    ------
    InputError
        If there are two posts, an unknown word under ``not_shared``, or the universal duty with another operator than the post; every
        problem is listed.
    """
    terms = {str(row["operator_id"]): row for _, row in county.operator_terms.iterrows()}
    problems: list[Problem] = []
    players = [
        _player(county, row, terms.get(str(row["operator_id"])), visits_per_week, problems)
        for _, row in county.operators.iterrows()
    ]
    players += _lenders(county, players)
    posts = [player.operator_id for player in players if player.kind == "post"]
    if len(posts) > 1:
        problems.append(Problem("error", "cooperation_two_posts", "operators", column="kind", value=", ".join(posts)))
    if problems:
        raise InputError(Message("cooperation_input_bad", {"count": len(problems)}), problems)
    order: Mapping[str, int] = {"courier": 0, "post": 1, "bus": 2, "shop": 3}
    players.sort(key=lambda player: order[player.kind])
    silent = sum(1 for player in players if player.has_parcels and player.operator_id not in terms)
    notes = [Message("cooperation_assumed_terms", {"count": silent})] if silent else []
    return tuple(players), notes


def outlet_cny_per_day(county: County) -> float:
    """Return an operator's own outlet in a township: rent of its floor and the part of a person it takes."""
    parameters = county.parameters
    rent = _MONTHS * parameters["rent_township_cny_per_m2_month"] * parameters["outlet_area_m2"]
    staff = parameters["outlet_staff_share"] * driver_cny_per_h(parameters) * _HOURS_PER_YEAR
    return (rent + staff) / DAYS_PER_YEAR


def clock_minutes(text: str) -> float | None:
    """Return ``HH:MM`` as minutes after midnight, or None where nothing stands."""
    if not text:
        return None
    hours, minutes = text.split(":")[:2]
    return 60.0 * int(hours) + int(minutes)


def _player(
    county: County, row: pd.Series, terms: pd.Series | None, visits_per_week: float, problems: list[Problem]
) -> Operator:
    parameters = county.parameters
    kind = _KINDS.get(str(row["kind"]), "courier")
    player = Operator(
        operator_id=str(row["operator_id"]),
        name=str(row["name"]),
        kind=kind,
        arrival_min=parameters["trunk_arrival_min"],
        deadline_h=parameters["promise_h"],
        visits_per_week=parameters["post_visits_per_week"] if kind == "post" else visits_per_week,
        handling_cny_per_parcel=parameters["own_handling_cny_per_parcel"],
        outlet_cny_per_day=outlet_cny_per_day(county),
        sort_parcels_per_h=parameters["own_sort_parcels_per_h"],
    )
    return player if terms is None else _with_terms(player, terms, problems)


def _with_terms(player: Operator, terms: pd.Series, problems: list[Problem]) -> Operator:
    arrival = clock_minutes(str(terms["arrival_time"]))
    told: dict[str, float] = {} if arrival is None else {"arrival_min": arrival}
    for column in ("deadline_h", "visits_per_week", "handling_cny_per_parcel", "outlet_cny_per_day"):
        if not math.isnan(float(terms[column])):
            told[column] = float(terms[column])
    duty = str(terms["has_universal_duty"])
    if duty == YES and player.kind != "post":
        problems.append(
            Problem(
                "error",
                "cooperation_duty_not_post",
                "operator_terms",
                column="has_universal_duty",
                value=player.operator_id,
            )
        )
    words = [word.strip() for word in str(terms["not_shared"]).replace("；", ";").split(";") if word.strip()]
    for word in words:
        if word not in SHARED_MODES:
            figures = {"known": ", ".join(SHARED_MODES)}
            problems.append(
                Problem(
                    "error",
                    "cooperation_unknown_mode",
                    "operator_terms",
                    column="not_shared",
                    value=word,
                    params=figures,
                )
            )
    return replace(player, not_shared=frozenset(words), has_universal_duty=duty != NO, **told)  # type: ignore[arg-type]


def _lenders(county: County, players: list[Operator]) -> list[Operator]:
    """Return a bus company where lines name no operator, so that somebody owns the room."""
    known = {player.operator_id for player in players}
    unowned = len(county.bus_lines) > 0 and (county.bus_lines["operator_id"] == "").any()
    return [Operator(BUS_PLAYER, "客运公司 bus company", "bus")] if unowned and BUS_PLAYER not in known else []
