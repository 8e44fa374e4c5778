"""All years in one mixed-integer programme: a block of the siting model a year, and rows that tie the years together.

For years t and sites j (docs/rollout.md): new sites ``o_jt ≥ o_j,t-1``, existing ones ``o_jt ≤ o_j,t-1``; a village served stays
served; a township with a station today keeps one; investment up to every year within the money up to it (in the blocks), or of
every year within its own where money is not carried over. Objective: ``Σ_t w_t · cost_t``, or minus ``Σ_t w_t · need_t``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.engines.linear import LinearModel, Vector
from planner.rollout.problem import Need, RolloutProblem
from planner.rollout.years import Year
from planner.siting.decision import Decision
from planner.siting.instance import Flags, Instance
from planner.siting.model import SitingModel, Terms, build_model, read_decision

#: Money stands in thousands, so that the solver's absolute tolerances mean the same as for parcels.
_THOUSAND = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One year in the programme.

    Attributes
    ----------
    instance, model
        The siting model of the year with its own columns.
    start
        First column of the year in the whole programme.
    need
        What each column serves (persons or parcels a day).
    """

    instance: Instance
    model: SitingModel
    start: int
    need: Vector

    def read(self, values: Vector) -> Decision:
        """Return the year's decision."""
        return read_decision(self.instance, self.model, values[self.start : self.start + len(self.need)])


@dataclass(frozen=True, slots=True, eq=False)
class YearsModel:
    """The programme.

    Attributes
    ----------
    linear
        Rows and columns; the objective is the discounted cost, in CNY of a mean day of the first year.
    blocks
        One a year.
    need
        Discounted need each column serves.
    """

    linear: LinearModel
    blocks: tuple[Block, ...]
    need: Vector

    def for_need(self) -> LinearModel:
        """Return the programme that serves most: it minimises minus the need."""
        return replace(self.linear, costs=(-self.need).tolist(), offset=0.0)

    def with_need(self, least: float) -> LinearModel:
        """Return the programme of least cost that serves at least so much."""
        linear = copied(self.linear)
        scale = max(1.0, abs(least))
        terms = [(int(i), float(self.need[i]) / scale) for i in np.flatnonzero(self.need)]
        linear.row(terms, lower=least / scale)
        return linear

    def with_sites(self, linear: LinearModel, decisions: Sequence[Decision]) -> LinearModel:
        """Return a programme of these columns with the open sites of given decisions."""
        fixed = copied(linear)
        for block, decision in zip(self.blocks, decisions, strict=True):
            is_open = (decision.station >= 0, decision.centre >= 0, decision.is_centre_open)
            for columns, flags in zip(_openings(block), is_open, strict=True):
                for column, flag in zip(columns, flags, strict=True):
                    fixed.lower[block.start + column] = fixed.upper[block.start + column] = float(flag)
        return fixed

    def without_other_points(self, linear: LinearModel, values: Vector) -> LinearModel:
        """Return a programme of these columns in which no village point opens that is closed in a solution."""
        fixed = copied(linear)
        for block in self.blocks:
            for column in block.model.point:
                fixed.upper[block.start + column] = min(
                    fixed.upper[block.start + column], float(values[block.start + column])
                )
        return fixed


def copied(linear: LinearModel) -> LinearModel:
    """Return the programme with lists of its own, so that rows can be added and bounds changed."""
    return LinearModel(
        linear.offset,
        [*linear.costs],
        [*linear.lower],
        [*linear.upper],
        [*linear.is_integer],
        [*linear.row_lower],
        [*linear.row_upper],
        [*linear.row_index],
        [*linear.column_index],
        [*linear.coefficients],
    )


def build_years(
    rollout: RolloutProblem, years: Sequence[Year], instances: Sequence[Instance], links: Sequence[Flags | None]
) -> YearsModel:
    """Build the programme of some years (all, or one alone).

    Parameters
    ----------
    rollout, years
        What is asked, and the years in it.
    instances
        Arrays to build each year from (with or without capacities of stations).
    links
        Links to keep a year, or None for all that some best plan uses.
    """
    linear = LinearModel()
    blocks: list[Block] = []
    needs: list[Vector] = []
    for year, instance, kept in zip(years, instances, links, strict=True):
        model = build_model(instance, links=kept)
        start, weight = len(linear.costs), rollout.weight(year.number)
        append_programme(linear, model.linear, weight)
        block = Block(instance, model, start, _need(instance, model, rollout.need))
        _close_dear(linear, block, year)
        _keep_stations(linear, block, year)
        blocks.append(block)
        needs.append(weight * block.need)
    for before, after in itertools.pairwise(blocks):
        _tie(linear, before, after)
    if not rollout.carries_over:
        _own_money(linear, rollout, years, blocks)
    return YearsModel(linear, tuple(blocks), np.concatenate(needs))


def append_programme(whole: LinearModel, part: LinearModel, weight: float) -> None:
    """Put a programme behind another, its objective times `weight`."""
    columns, rows = len(whole.costs), len(whole.row_lower)
    whole.offset += weight * part.offset
    whole.costs += [weight * cost for cost in part.costs]
    whole.lower += part.lower
    whole.upper += part.upper
    whole.is_integer += part.is_integer
    whole.row_lower += part.row_lower
    whole.row_upper += part.row_upper
    whole.row_index += [rows + i for i in part.row_index]
    whole.column_index += [columns + j for j in part.column_index]
    whole.coefficients += part.coefficients


def _need(instance: Instance, model: SitingModel, need: Need) -> Vector:
    served = np.zeros(len(model.linear.costs))
    for i, column in model.pair.items():
        village = instance.pairs.village[i]
        served[column] += instance.pairs.covered[i] if need == "persons" else instance.demand.parcels[village]
    return served


def _openings(block: Block) -> tuple[list[int], ...]:
    model = block.model
    return model.point, model.station, model.centre


def _close_dear(linear: LinearModel, block: Block, year: Year) -> None:
    for columns, dear in zip(_openings(block), year.too_dear, strict=True):
        for i in np.flatnonzero(dear):
            column = block.start + columns[i]
            linear.upper[column] = linear.lower[column]


def _keep_stations(linear: LinearModel, block: Block, year: Year) -> None:
    for township in sorted(year.townships_today):
        columns = [
            block.model.station[s] for s, code in enumerate(block.instance.stations.township) if code == township
        ]
        linear.row([(block.start + column, 1.0) for column in columns], lower=1.0)


def _tie(linear: LinearModel, before: Block, after: Block) -> None:
    """Keep what is open open, what is closed closed, who is served served."""
    for tier, early, late in zip(before.instance.tiers, _openings(before), _openings(after), strict=True):
        for i, is_existing in enumerate(tier.is_existing):
            first, second = before.start + early[i], after.start + late[i]
            if is_existing:
                linear.at_most(second, 1.0, first)
            else:
                linear.at_most(first, 1.0, second)
    served = [_served(block) for block in (before, after)]
    for village, columns in sorted(served[0].items()):
        now = [(column, -1.0) for column in served[1].get(village, [])]
        linear.row([*((column, 1.0) for column in columns), *now], upper=0.0)


def _served(block: Block) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for i, column in block.model.pair.items():
        found.setdefault(int(block.instance.pairs.village[i]), []).append(block.start + column)
    return found


def investment_terms(block: Block) -> tuple[Terms, float]:
    """Return what a year's sites have cost since the beginning, CNY: columns with amounts, and what is spent in any case."""
    terms: Terms = []
    fixed = block.instance.shut_investment_cny
    for sites, columns in zip(block.instance.tiers, _openings(block), strict=True):
        fixed += float(sites.closed_investment_cny.sum())
        change = sites.open_investment_cny - sites.closed_investment_cny
        terms += [(block.start + column, float(amount)) for column, amount in zip(columns, change, strict=True)]
    return terms, fixed


def _own_money(linear: LinearModel, rollout: RolloutProblem, years: Sequence[Year], blocks: Sequence[Block]) -> None:
    """Let every year after the first spend its own money only."""
    if len(blocks) == 1:
        return
    for k in range(1, len(blocks)):
        now, fixed = investment_terms(blocks[k])
        before, spent = investment_terms(blocks[k - 1])
        terms = [*now, *((column, -amount) for column, amount in before)]
        money = rollout.budgets_cny[years[k].number] - fixed + spent
        linear.row([(column, amount / _THOUSAND) for column, amount in terms], upper=money / _THOUSAND)
