"""Least time on duty along a chain of moments (`planner.routing.rich.chain`).

Without rests and cold goods the day starts as early as it may and every moment follows as soon as it can; the start is
then put off as long as this only takes away waiting (forward time slack, Savelsbergh 1992). Moving on, the first
moment that would leave its window takes its next one, which gives the other candidate days of stops with several windows.

Rests and cold goods bound differences between moments from above. With windows and rests chosen, all rules read
``x[v] ≥ x[u] + c``: the least time on duty is the longest path from the first moment to the last, and there is no
timetable if a cycle is positive. Windows and rests are then enumerated, fewest rests first, at most one rest between two
moments.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner.problems.routing import BreakRule, Window
from planner.routing.rich.chain import Chain

#: Minutes that count as rounding.
TIME_TOLERANCE = 1e-6
#: Rests tried beyond those the work alone demands.
RESTS_MORE = 1

Edge = tuple[int, int, float]


@dataclass(frozen=True, slots=True)
class Rest:
    """A rest between moment `after` and the next: on arrival at the next place, or before the vehicle leaves."""

    after: int
    is_on_arrival: bool


@dataclass(frozen=True, slots=True)
class Timing:
    """When each moment is, and the rests between them."""

    times: tuple[float, ...]
    rests: tuple[Rest, ...] = ()

    @property
    def duty_min(self) -> float:
        """Minutes from the first moment to the last."""
        return self.times[-1] - self.times[0]


def least_duty(chain: Chain, longest_min: float = math.inf, rule: BreakRule | None = None) -> Timing | None:
    """Return the timetable with the fewest rests and then the least time on duty; None: there is none."""
    if not math.isfinite(chain.work_min) or any(not moment.windows for moment in chain.moments):
        return None
    if chain.cold:
        return _general(chain, longest_min, rule)
    timing = _plain(chain)
    if timing is not None and rule is not None and timing.duty_min > rule.after_min + TIME_TOLERANCE:
        return _general(chain, longest_min, rule)
    return timing if timing is not None and timing.duty_min <= longest_min + TIME_TOLERANCE else None


def _plain(chain: Chain) -> Timing | None:
    windows = [moment.windows for moment in chain.moments]
    gaps = [s + w for s, w in zip(chain.stay, chain.way, strict=True)]
    picks = [0] * len(windows)
    start, best = -math.inf, None
    best_duty = math.inf
    while True:
        times = _earliest(windows, gaps, picks, start)
        if times is None:
            break
        waited, slack, tightest = _slack(windows, gaps, picks, times)
        duty = times[-1] - times[0] - min(slack, waited)
        if duty < best_duty - TIME_TOLERANCE:
            best_duty, best = duty, (list(picks), times[0] + min(slack, waited))
        if waited <= TIME_TOLERANCE or not math.isfinite(slack):
            break
        picks[tightest] += 1
        if picks[tightest] >= len(windows[tightest]):
            break
        start = times[0] + slack
    if best is None:
        return None
    times = _earliest(windows, gaps, *best)
    return None if times is None else Timing(tuple(times))


def _earliest(
    windows: Sequence[Sequence[Window]], gaps: Sequence[float], picks: list[int], start: float
) -> list[float] | None:
    """Return the earliest moments from `start` on, moving `picks` to later windows where needed."""
    times: list[float] = []
    clock = start
    for i, own in enumerate(windows):
        clock = clock + gaps[i - 1] if i else start
        while picks[i] < len(own) and own[picks[i]][1] < clock - TIME_TOLERANCE:
            picks[i] += 1
        if picks[i] == len(own):
            return None
        clock = max(clock, own[picks[i]][0])
        if clock == -math.inf:
            clock = 0.0
        times.append(clock)
    return times


def _slack(
    windows: Sequence[Sequence[Window]], gaps: Sequence[float], picks: Sequence[int], times: Sequence[float]
) -> tuple[float, float, int]:
    """Return the waiting, how far the start can be put off within the windows picked, and the moment that stops it."""
    waited, slack, tightest = 0.0, math.inf, 0
    for i, time in enumerate(times):
        if i:
            waited += max(0.0, time - times[i - 1] - gaps[i - 1])
        room = waited + windows[i][picks[i]][1] - time
        if room < slack:
            slack, tightest = max(0.0, room), i
    return waited, slack, tightest


def _general(chain: Chain, longest_min: float, rule: BreakRule | None) -> Timing | None:
    for number in _numbers_of_rests(chain, rule):
        best: Timing | None = None
        for rests in _placements(chain, rule, number):
            for picks in _window_choices(chain, rule, rests):
                timing = _solve(chain, picks, rests, rule)
                if timing and (best is None or timing.duty_min < best.duty_min - TIME_TOLERANCE):
                    best = timing
        if best is not None and best.duty_min <= longest_min + TIME_TOLERANCE:
            return best
    return None


def _numbers_of_rests(chain: Chain, rule: BreakRule | None) -> range:
    if rule is None or not math.isfinite(rule.after_min):
        return range(1)
    needed = max(0, math.ceil((chain.work_min - TIME_TOLERANCE) / max(rule.after_min, TIME_TOLERANCE)) - 1)
    most = 2 * (len(chain.stay) - 1)
    return range(min(needed, most + 1), min(needed + RESTS_MORE, most) + 1)


def _placements(chain: Chain, rule: BreakRule | None, number: int) -> Iterator[tuple[Rest, ...]]:
    """Yield ways of placing rests such that the work between two of them fits."""
    if rule is None or number == 0:
        yield ()
        return
    spots: list[tuple[float, Rest]] = []  # work from the start of the day to the rest
    done = 0.0
    for i, (stay, way) in enumerate(zip(chain.stay, chain.way, strict=True)):
        if i:
            spots.append((done + stay, Rest(i, is_on_arrival=False)))
            if i < len(chain.stay) - 1:
                spots.append((done + stay + way, Rest(i, is_on_arrival=True)))
        done += stay + way
    yield from _place(spots, 0, 0.0, number, done, rule.after_min + TIME_TOLERANCE)


def _place(
    spots: Sequence[tuple[float, Rest]], first: int, since: float, number: int, total: float, after: float
) -> Iterator[tuple[Rest, ...]]:
    """Choose `number` of the spots from `first` on, at most one between two moments."""
    if number == 0:
        if total - since <= after:
            yield ()
        return
    for place in range(first, len(spots)):
        work, rest = spots[place]
        if work - since > after:
            return
        following = next((k for k in range(place + 1, len(spots)) if spots[k][1].after > rest.after), len(spots))
        for more in _place(spots, following, work, number - 1, total, after):
            yield (rest, *more)


def _window_choices(chain: Chain, rule: BreakRule | None, rests: tuple[Rest, ...]) -> Iterator[tuple[int, ...]]:
    rested = {rest.after for rest in rests}
    extra = rule.minutes if rule else 0.0
    count = len(chain.moments)

    def go(i: int, clock: float) -> Iterator[tuple[int, ...]]:
        if i == count:
            yield ()
            return
        if i:
            clock += chain.stay[i - 1] + chain.way[i - 1] + (extra if i - 1 in rested else 0.0)
        for pick, (low, high) in enumerate(chain.moments[i].windows):
            if high >= clock - TIME_TOLERANCE:
                for more in go(i + 1, max(clock, low)):
                    yield (pick, *more)

    yield from go(0, -math.inf)


def _solve(chain: Chain, picks: Sequence[int], rests: tuple[Rest, ...], rule: BreakRule | None) -> Timing | None:
    edges = _edges(chain, rests, rule)
    count = len(chain.moments)
    origin = count
    for i, pick in enumerate(picks):
        low, high = chain.moments[i].windows[pick]
        if math.isfinite(high):
            edges.append((i, origin, -high))
        edges.append((origin, i, low if math.isfinite(low) else 0.0))
    if longest_paths(edges, count + 1, origin) is None:
        return None
    from_start = longest_paths(edges, count + 1, 0)
    if from_start is None:
        return None
    edges.append((count - 1, 0, -(from_start[count - 1] + TIME_TOLERANCE / 10.0)))
    times = longest_paths(edges, count + 1, origin)
    return None if times is None else Timing(tuple(times[:count]), rests)


def _edges(chain: Chain, rests: tuple[Rest, ...], rule: BreakRule | None) -> list[Edge]:
    rested = {rest.after for rest in rests}
    minutes = rule.minutes if rule else 0.0
    edges: list[Edge] = [
        (i, i + 1, stay + way + (minutes if i in rested else 0.0))
        for i, (stay, way) in enumerate(zip(chain.stay, chain.way, strict=True))
    ]
    edges += [(later, earlier, -limit) for earlier, later, limit in chain.cold]
    if rule is not None and math.isfinite(rule.after_min):
        since, lead = 0, 0.0  # the stretch began `lead` minutes before moment `since`
        for rest in rests:
            work = chain.stay[rest.after] + (chain.way[rest.after] if rest.is_on_arrival else 0.0)
            edges.append((rest.after, since, work + lead - rule.after_min))
            since = rest.after + 1
            lead = 0.0 if rest.is_on_arrival else chain.way[rest.after]
        edges.append((len(chain.moments) - 1, since, lead - rule.after_min))
    return edges


def longest_paths(edges: Sequence[Edge], count: int, source: int) -> list[float] | None:
    """Return the longest path from `source` to every node; None if a positive cycle can be reached."""
    value = [-math.inf] * count
    value[source] = 0.0
    for _ in range(count + 1):
        is_changed = False
        for tail, head, weight in edges:
            if value[tail] + weight > value[head] + TIME_TOLERANCE / 100.0:
                value[head] = value[tail] + weight
                is_changed = True
        if not is_changed:
            return value
    return None
