"""Which county first: weights, TOPSIS, dominance, how sure the order is, and a queue over years."""

from planner.ranking.order import Flip, RankProbabilities, dominates, flips_by_weight, rank_probabilities, topsis
from planner.ranking.portfolio import Place, Portfolio, queue_counties
from planner.ranking.weights import AhpWeights, ahp_weights, entropy_weights

__distribution__ = "xiangyou"
__all__ = [
    "AhpWeights",
    "Flip",
    "Place",
    "Portfolio",
    "RankProbabilities",
    "ahp_weights",
    "dominates",
    "entropy_weights",
    "flips_by_weight",
    "queue_counties",
    "rank_probabilities",
    "topsis",
]
