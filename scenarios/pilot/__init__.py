"""Pilot counties: a ranking with its certainty and a queue over years, from the results of a batch."""

from scenarios.pilot.answer import PilotRanking, rank_counties
from scenarios.pilot.outputs import write_ranking
from scenarios.pilot.spec import RankFile, read_rank_file

__distribution__ = "xiangyou"
__all__ = ["PilotRanking", "RankFile", "rank_counties", "read_rank_file", "write_ranking"]
