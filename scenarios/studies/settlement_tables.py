"""Tables and charts of a settlement: shares, rules side by side, coalitions, clearing, fees, and the range for the post."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np

from planner.cooperation.core import walk_outs
from planner.cooperation.fees import Clearing, PackageOffer, VillageOffer
from planner.cooperation.sharing import Division, Rule, SettlementResult, savings_fairness
from planner.cooperation.subsidy import Grant, Relapse
from scenarios.studies.settlement_case import SettlementCase
from scenarios.studies.study import Cell, Mark, StudyChart, StudyColumn, StudyPlace, StudySeries, StudyTable

#: Coalitions shown.
_COALITIONS = 30
_CHARTED: tuple[Rule, ...] = ("shapley", "nucleolus", "volume", "stand_alone")


def share_table(case: SettlementCase, result: SettlementResult, division: Division) -> StudyTable:
    """Return what every operator pays under the chosen rule, with the limits that gaps of the costs leave."""
    columns = (
        StudyColumn("player_number", "count"),
        StudyColumn("operator_id"),
        StudyColumn("name"),
        StudyColumn("parcels_per_day", "number"),
        StudyColumn("alone_cny_per_day", "cny"),
        StudyColumn("share_cny_per_day", "cny"),
        StudyColumn("share_at_least_cny_per_day", "cny"),
        StudyColumn("share_at_most_cny_per_day", "cny"),
        StudyColumn("saves_cny_per_day", "cny"),
        StudyColumn("share_cny_per_parcel", "number"),
        StudyColumn("pays_no_more_than_alone", "label"),
        StudyColumn("saving_over_shapley", "number"),
    )
    fair = savings_fairness(result, division.rule)
    rows: list[tuple[Cell, ...]] = []
    for i, operator in enumerate(case.problem.operators):
        volume, share = case.volumes[i], float(division.shares[i])
        rows.append(
            (
                i + 1,
                operator.operator_id,
                operator.name,
                volume,
                float(result.alone[i]),
                share,
                _finite(division.low[i]),
                _finite(division.high[i]),
                float(result.alone[i]) - share,
                share / volume if volume > 0.0 else None,
                f"verdict_{division.rational[i]}",
                _finite(fair[i]),
            )
        )
    return StudyTable("table_study_shares", columns, tuple(rows))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def rule_table(result: SettlementResult) -> StudyTable:
    """Return how every rule stands: who would walk out, who pays more than alone."""
    columns = (
        StudyColumn("sharing_rule", "label"),
        StudyColumn("is_stable", "label"),
        StudyColumn("coalitions_leaving", "count"),
        StudyColumn("coalitions_undecided", "count"),
        StudyColumn("worst_coalition"),
        StudyColumn("gain_cny_per_day", "cny"),
        StudyColumn("players_worse_off", "count"),
    )
    rows: list[tuple[Cell, ...]] = []
    for rule, division in result.divisions.items():
        worst = division.stability.worst
        rows.append(
            (
                f"sharing_{rule}",
                f"verdict_{division.stability.is_stable}",
                division.stability.leaving,
                division.stability.undecided,
                ", ".join(worst.members) if worst else "",
                worst.gain_cny_per_day if worst else None,
                sum(verdict == "no" for verdict in division.rational),
            )
        )
    return StudyTable("table_study_sharing_rules", columns, tuple(rows))


def side_by_side(case: SettlementCase, result: SettlementResult) -> StudyTable:
    """Return every operator's share under every rule."""
    columns = (StudyColumn("operator_id"), *(StudyColumn(f"sharing_{rule}_cny", "cny") for rule in result.divisions))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, *(float(division.shares[i]) for division in result.divisions.values()))
        for i, name in enumerate(case.players)
    )
    return StudyTable("table_study_shares_by_rule", columns, rows)


def coalition_table(result: SettlementResult, division: Division) -> StudyTable:
    """Return the coalitions that gain most by leaving, or lose least."""
    game = result.game
    columns = (
        StudyColumn("coalition"),
        StudyColumn("coalition_alone_cny_per_day", "cny"),
        StudyColumn("coalition_bound_cny_per_day", "cny"),
        StudyColumn("coalition_pays_cny_per_day", "cny"),
        StudyColumn("gain_cny_per_day", "cny"),
        StudyColumn("gain_at_most_cny_per_day", "cny"),
    )
    rows: list[tuple[Cell, ...]] = []
    for entry in walk_outs(game, division.shares, limit=_COALITIONS):
        mask = game.mask(entry.members)
        alone, bound = float(game.value[mask]), float(game.bound[mask])
        gains = (entry.gain_cny_per_day, entry.gain_at_most_cny_per_day)
        rows.append((", ".join(entry.members), alone, bound, alone + entry.gain_cny_per_day, *gains))
    return StudyTable("table_study_coalitions", columns, tuple(rows))


def clearing_table(cleared: Sequence[Clearing], volumes: Sequence[float]) -> StudyTable:
    """Return who pays into the clearing and who is paid out."""
    columns = (
        StudyColumn("operator_id"),
        StudyColumn("share_cny_per_day", "cny"),
        StudyColumn("spends_cny_per_day", "cny"),
        StudyColumn("due_cny_per_day", "cny"),
        StudyColumn("due_cny_per_parcel", "number"),
    )
    rows = tuple(
        (entry.player, entry.share, entry.spends, entry.due, entry.due / volume if volume > 0.0 else None)
        for entry, volume in zip(cleared, volumes, strict=True)
    )
    return StudyTable("table_study_clearing", columns, rows)


def fee_table(cleared: Sequence[Clearing]) -> StudyTable:
    """Return the fee of a parcel by operator and tier."""
    columns = (
        StudyColumn("operator_id"),
        StudyColumn("fee_tier", "label"),
        StudyColumn("parcels_per_day", "number"),
        StudyColumn("tariff_cny_per_parcel", "number"),
        StudyColumn("fee_cny_per_parcel", "number"),
        StudyColumn("fee_cny_per_day", "cny"),
    )
    rows = tuple(
        (
            entry.player,
            f"fee_tier_{fee.tier}",
            fee.parcels_per_day,
            fee.tariff_cny_per_parcel,
            fee.fee_cny_per_parcel,
            fee.parcels_per_day * fee.fee_cny_per_parcel,
        )
        for entry in cleared
        for fee in entry.fees
    )
    return StudyTable("table_study_fees", columns, rows)


def offer_table(
    case: SettlementCase, offers: Sequence[VillageOffer], whole: PackageOffer | None, part: float
) -> StudyTable:
    """Return the range of fees by village, and for all of them in one fee on the last row."""
    columns = (
        StudyColumn("village_code"),
        StudyColumn("name"),
        StudyColumn("township_code"),
        StudyColumn("parcels_per_day", "number"),
        StudyColumn("fee_floor_cny_per_parcel", "number"),
        StudyColumn("fee_ceiling_cny_per_parcel", "number"),
        StudyColumn("fee_together_cny_per_parcel", "number"),
        StudyColumn("fee_offer_cny_per_parcel", "number"),
        StudyColumn("fee_range", "label"),
        StudyColumn("deficit_public_cny_per_day", "cny"),
        StudyColumn("deficit_commercial_cny_per_day", "cny"),
    )
    villages = case.case.county.villages.set_index("village_code")
    rows: list[tuple[Cell, ...]] = [
        (
            offer.village_id,
            str(villages.loc[offer.village_id, "name"]),
            str(villages.loc[offer.village_id, "township_code"]),
            offer.parcels_per_day,
            offer.floor_cny_per_parcel,
            offer.ceiling_cny_per_parcel,
            offer.together_cny_per_parcel,
            offer.fee(part),
            "fee_range_empty" if offer.is_empty else "fee_range_open",
            offer.deficit.public,
            offer.deficit.commercial,
        )
        for offer in offers
    ]
    if whole is not None:
        word = "fee_range_empty" if whole.is_empty else "fee_range_open"
        low, each, high = whole.floor_cny_per_parcel, whole.each_cny_per_parcel, whole.ceiling_cny_per_parcel
        lost = (sum(offer.deficit.public for offer in offers), sum(offer.deficit.commercial for offer in offers))
        rows.append(("Σ", "", "", whole.parcels_per_day, low, each, high, whole.fee(part), word, *lost))
    return StudyTable("table_study_offers", columns, tuple(rows))


def relapse_table(case: SettlementCase, fates: Sequence[Relapse]) -> StudyTable:
    """Return what happens to every village line when the subsidy ends, the first to go first."""
    columns = (
        StudyColumn("loss_rank", "count"),
        StudyColumn("village_code"),
        StudyColumn("name"),
        StudyColumn("parcels_per_day", "number"),
        StudyColumn("income_cny_per_day", "cny"),
        StudyColumn("deficit_public_cny_per_day", "cny"),
        StudyColumn("deficit_commercial_cny_per_day", "cny"),
        StudyColumn("subsidy_cny_per_day", "cny"),
        StudyColumn("fate", "label"),
    )
    names = case.case.county.villages.set_index("village_code")["name"]
    rows = tuple(
        (
            entry.rank or None,
            entry.line.line_id,
            str(names[entry.line.line_id]),
            entry.line.parcels_per_day,
            entry.line.income,
            entry.line.deficit.public,
            entry.line.deficit.commercial,
            entry.subsidy,
            f"fate_line_{entry.fate}",
        )
        for entry in sorted(fates, key=lambda f: (f.rank == 0, f.rank, f.line.line_id))
    )
    return StudyTable("table_study_relapse", columns, rows)


def line_places(case: SettlementCase, fates: Sequence[Relapse]) -> tuple[StudyPlace, ...]:
    """Return every village line: kept where it holds by itself, candidate where it lives on the subsidy, else unserved."""
    villages = case.case.county.villages.set_index("village_code")
    marks: Mapping[str, Mark] = {"holds": "kept", "relapses": "candidate", "never": "unserved"}
    shown = []
    for entry in fates:
        row = villages.loc[entry.line.line_id]
        lon, lat = float(row["lon"]), float(row["lat"])
        if np.isnan(lon) or np.isnan(lat):
            continue
        facts: dict[str, Cell] = {
            "deficit_public_cny_per_day": entry.line.deficit.public,
            "deficit_commercial_cny_per_day": entry.line.deficit.commercial,
        }
        shown.append(StudyPlace(entry.line.line_id, str(row["name"]), lon, lat, marks[entry.fate], facts))
    return tuple(shown)


def grant_table(paid: Sequence[Grant]) -> StudyTable:
    """Return every grant asked for, with what is paid and why not."""
    columns = (
        StudyColumn("investment_id"),
        StudyColumn("grant_item", "label"),
        StudyColumn("investment_cny", "cny"),
        StudyColumn("grant_full_cny", "cny"),
        StudyColumn("grant_paid_cny", "cny"),
        StudyColumn("grant_refusal", "label"),
    )
    rows = tuple(
        (
            entry.investment.investment_id,
            f"grant_{entry.investment.item}",
            entry.investment.cost_cny,
            entry.full_cny,
            entry.paid_cny,
            f"refusal_{entry.refusal}" if entry.refusal else None,
        )
        for entry in paid
    )
    return StudyTable("table_study_grants", columns, rows)


def waterfall(result: SettlementResult, division: Division, names: Sequence[str]) -> tuple[StudyTable, StudyChart]:
    """Return the way from all alone to all together: what each operator saves, summing exactly to the difference."""
    columns = (
        StudyColumn("block_of_operator"),
        StudyColumn("block_cny_per_day", "cny"),
        StudyColumn("after_block_cny_per_day", "cny"),
    )
    alone = [float(value) for value in result.alone]
    blocks = [sum(alone), *(float(share) - own for share, own in zip(division.shares, alone, strict=True))]
    together = float(result.game.value[result.game.grand])
    totals = list(accumulate(blocks))
    # Sums of shares differ from the whole by rounding only; the last block takes it, so that the blocks meet the end.
    blocks[-1] += together - totals[-1]
    totals[-1] = together
    rows = tuple(zip(("Σ", *names), blocks, totals, strict=True))
    points = tuple((float(k), total) for k, total in enumerate(totals))
    series = (StudySeries("after_block_cny_per_day", points),)
    chart = StudyChart("chart_settlement_waterfall", "bar", "player_number", "after_block_cny_per_day", series)
    return StudyTable("table_study_settlement_waterfall", columns, rows), chart


def share_chart(result: SettlementResult) -> StudyChart:
    """Return the shares under four rules beside each other."""
    series = tuple(
        StudySeries(f"sharing_{rule}", tuple((float(i + 1), float(s)) for i, s in enumerate(division.shares)))
        for rule, division in result.divisions.items()
        if rule in _CHARTED
    )
    return StudyChart("chart_settlement_shares", "bar", "player_number", "share_cny_per_day", series)
