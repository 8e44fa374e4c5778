"""Close roads: a new network without them."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import numpy as np

from geodata.errors import InputError, Problem
from geodata.messages import Message
from networks.road_network import EdgeShapes, RoadNetwork, assemble


def close_roads(network: RoadNetwork, road_ids: Iterable[str]) -> RoadNetwork:
    """Return the network without some roads; the given one is not changed.

    Junctions keep their numbers, road pieces are renumbered.

    Parameters
    ----------
    network
        Roads.
    road_ids
        Numbers of the roads to close, whole.

    Returns
    -------
    RoadNetwork
        Network with new adjacency and components.

    Raises
    ------
    InputError
        If a number is not in the network; every such number is listed.
    """
    wanted = sorted(set(road_ids))
    road_id = network.edges["road_id"]
    known = set(road_id)
    problems = [
        Problem("error", "road_unknown", table="roads", value=value, params={"nearest": _nearest(value, known)})
        for value in wanted
        if value not in known
    ]
    if problems:
        raise InputError(Message("closures_unusable", {"count": len(problems)}), problems)
    keep = ~road_id.isin(wanted).to_numpy()
    size = np.diff(network.edge_first_vertex)
    is_kept = np.repeat(keep, size)
    return assemble(
        (network.node_lon, network.node_lat),
        network.edges[keep].reset_index(drop=True),
        EdgeShapes(
            np.concatenate([[0], np.cumsum(size[keep])]).astype(np.int64),
            network.vertex_lon[is_kept],
            network.vertex_lat[is_kept],
            network.vertex_offset_m[is_kept],
        ),
        crossing_count=network.crossing_count,
        warnings=network.warnings,
    )


def _nearest(value: str, known: set[str]) -> str:
    return next(iter(get_close_matches(value, sorted(known), n=1, cutoff=0.0)), "")
