"""What-if changes of public money and of fees between operators: they change parameters, not places or parcels."""

from __future__ import annotations

from geodata.messages import Message
from geodata.parameters import Parameters

#: Parameters the changes act on.
PAID_SHARE = "subsidy_paid_share"
HANDOVER_FEE = "post_handover_fee_cny_per_parcel"


def changed_money(
    parameters: Parameters, *, handover_fee_factor: float, subsidy_ends: bool
) -> tuple[Parameters, list[Message]]:
    """Return the parameters with another hand-over fee and without subsidies, and what was done.

    Parameters
    ----------
    parameters
        Of the county.
    handover_fee_factor
        The fee a courier pays the post for a parcel, times this.
    subsidy_ends
        Whether public money for village lines, points and investments stops.
    """
    notes: list[Message] = []
    if handover_fee_factor != 1.0:
        fee = parameters[HANDOVER_FEE] * handover_fee_factor
        parameters = parameters.with_values({HANDOVER_FEE: fee}, "changes.handover_fee_factor")
        notes.append(Message("change_handover_fee", {"factor": round(handover_fee_factor, 4), "fee": round(fee, 4)}))
    if subsidy_ends:
        parameters = parameters.with_values({PAID_SHARE: 0.0}, "changes.subsidy_ends")
        notes.append(Message("change_subsidy_ends"))
    return parameters, notes
