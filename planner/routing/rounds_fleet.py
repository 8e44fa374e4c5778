"""Limited vehicles over all depots: which depot gets how many, so that least is dropped and then cost is least.

Every depot is first solved with all vehicles it could wish for. Where a type is then used more often than the county
has it, each depot that uses it is solved again with one vehicle less of a scarce type, and so on; this gives a
list of options per depot. One option a depot is chosen by dynamic programming over the vehicles handed out: least
dropped (parcels plus stops), then least cost. Among the options the choice is optimal; options not tried may be better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from planner.routing.rounds_solve import DepotOutcome

#: Options per depot; more cost time, fewer may drop more.
OPTION_LIMIT = 12

Solve = Callable[[int, Mapping[str, int]], DepotOutcome]


def totals(outcomes: Sequence[DepotOutcome]) -> dict[str, int]:
    """Return the vehicles used of each type over all depots."""
    used: dict[str, int] = {}
    for outcome in outcomes:
        for kind, number in outcome.used.items():
            used[kind] = used.get(kind, 0) + number
    return used


def share_vehicles(
    wished: Sequence[DepotOutcome], counts: Mapping[str, int | None], solve: Solve
) -> list[DepotOutcome]:
    """Return one outcome per depot that together keep the vehicle counts.

    Parameters
    ----------
    wished
        Outcomes without a limit, in depot order.
    counts
        Vehicles the county has; None: no limit.
    solve
        Solves depot i with at most these vehicles of each limited type.
    """
    limited = {kind: number for kind, number in counts.items() if number is not None}
    scarce = {kind for kind, number in totals(wished).items() if number > limited.get(kind, number)}
    if not scarce:
        return list(wished)
    while True:
        options = [_options(i, outcome, limited, scarce, solve) for i, outcome in enumerate(wished)]
        chosen = _choose(options, limited)
        if chosen is not None:
            return chosen
        scarce = set(limited)


def _options(
    depot: int, wished: DepotOutcome, limited: Mapping[str, int], scarce: set[str], solve: Solve
) -> list[DepotOutcome]:
    """Outcomes of one depot with fewer and fewer scarce vehicles, down to none of any limited type."""
    own = {v.vehicle_type_id for v in wished.problem.vehicles}
    options: dict[tuple[tuple[str, int], ...], DepotOutcome] = {}
    tried: set[tuple[tuple[str, int], ...]] = set()
    queue: list[Mapping[str, int]] = []

    def take(outcome: DepotOutcome) -> None:
        key = tuple(sorted((k, n) for k, n in outcome.used.items() if k in limited))
        old = options.get(key)
        if old is None or _value(outcome) < _value(old):
            options[key] = outcome
        queue.extend(
            {
                **{k: limited[k] for k in own & set(limited)},
                **{k: outcome.used.get(k, 0) for k in own & scarce},
                kind: n,
            }
            for kind in sorted(own & scarce)
            for n in range(outcome.used.get(kind, 0) - 1, -1, -1)
        )

    if all(wished.used.get(k, 0) <= limited[k] for k in own & set(limited)):
        take(wished)
    else:
        queue.append({k: limited[k] for k in own & set(limited)})
    while queue and len(tried) < OPTION_LIMIT:
        caps = queue.pop(0)
        key = tuple(sorted(caps.items()))
        if key not in tried:
            tried.add(key)
            take(solve(depot, caps))
    for kinds in (scarce, set(limited)):
        last = {k: 0 if k in kinds else limited[k] for k in own & set(limited)}
        if tuple(sorted(last.items())) not in tried:
            tried.add(tuple(sorted(last.items())))
            outcome = solve(depot, last)
            options.setdefault(tuple(sorted((k, n) for k, n in outcome.used.items() if k in limited)), outcome)
    return list(options.values())


def _value(outcome: DepotOutcome) -> tuple[float, float]:
    return round(outcome.lost, 6), round(outcome.cny, 6)


def _choose(options: Sequence[Sequence[DepotOutcome]], limited: Mapping[str, int]) -> list[DepotOutcome] | None:
    """Choose one option per depot within the counts; None if no combination keeps them."""
    kinds = sorted(limited)
    states: dict[tuple[int, ...], tuple[float, float, tuple[int, ...]]] = {(0,) * len(kinds): (0.0, 0.0, ())}
    for depot_options in options:
        following: dict[tuple[int, ...], tuple[float, float, tuple[int, ...]]] = {}
        for used, (lost, cny, picks) in sorted(states.items()):
            for place, option in enumerate(depot_options):
                key = tuple(n + option.used.get(kind, 0) for n, kind in zip(used, kinds, strict=True))
                if any(n > limited[kind] for n, kind in zip(key, kinds, strict=True)):
                    continue
                entry = (round(lost + option.lost, 6), round(cny + option.cny_per_day, 6), (*picks, place))
                if key not in following or entry < following[key]:
                    following[key] = entry
        states = following
    if not states:
        return None
    _, _, picks = min(states.values())
    return [depot_options[place] for depot_options, place in zip(options, picks, strict=True)]
