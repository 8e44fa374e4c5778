"""How far: roads, travel times between labelled places, and what they reach."""

from networks.build import build_road_network
from networks.closures import close_roads
from networks.isochrones import coverage_area
from networks.matrix import TravelMatrix
from networks.providers import TravelTimes, build_travel
from networks.road_network import RoadNetwork

__distribution__ = "xiangyou"
__all__ = [
    "RoadNetwork",
    "TravelMatrix",
    "TravelTimes",
    "build_road_network",
    "build_travel",
    "close_roads",
    "coverage_area",
]
