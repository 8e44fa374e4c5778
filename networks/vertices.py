"""Lines as sequences of numbered vertices: the working form in which roads are connected and cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Coordinates closer than this are one vertex (1e-7 degree is about a centimetre, the grain of OpenStreetMap).
DECIMALS = 7


@dataclass(frozen=True, slots=True, eq=False)
class Vertices:
    """Vertices of all lines, line after line.

    Attributes
    ----------
    lon, lat
        Place of every distinct vertex, degrees.
    vertex
        Distinct vertex at each position.
    line
        Line at each position; ascending.
    line_row
        Source row of each line.
    """

    lon: Floats
    lat: Floats
    vertex: Integers
    line: Integers
    line_row: Integers

    @property
    def row(self) -> Integers:
        """Source row at each position."""
        return np.asarray(self.line_row[self.line], dtype=np.int64)

    @property
    def is_line_start(self) -> npt.NDArray[np.bool_]:
        """True at the first position of each line."""
        return np.concatenate([[True], self.line[1:] != self.line[:-1]])

    @property
    def is_line_end(self) -> npt.NDArray[np.bool_]:
        """True at the last position of each line."""
        return np.concatenate([self.line[1:] != self.line[:-1], [True]])

    @property
    def segment_start(self) -> Integers:
        """Positions p such that p → p + 1 is a straight segment of a line."""
        return np.flatnonzero(~self.is_line_end)

    def with_vertex(self, vertex: Integers) -> Vertices:
        """Return a copy with vertices renumbered; repeated vertices in a row are joined."""
        keep = np.concatenate([[True], (vertex[1:] != vertex[:-1]) | (self.line[1:] != self.line[:-1])])
        return Vertices(self.lon, self.lat, vertex[keep], self.line[keep], self.line_row)

    def with_inserted(self, position: Floats, vertex: Integers) -> Vertices:
        """Return a copy with vertices inserted.

        Parameters
        ----------
        position
            Where: ``p + fraction`` between positions p and p + 1 of one line.
        vertex
            Distinct vertex to insert.
        """
        everywhere = np.concatenate([np.arange(len(self.vertex), dtype=float), position])
        all_vertices = np.concatenate([self.vertex, vertex])
        all_lines = np.concatenate([self.line, self.line[np.floor(position).astype(np.int64)]])
        order = np.lexsort((all_vertices, everywhere))
        longer = Vertices(self.lon, self.lat, all_vertices[order], all_lines[order], self.line_row)
        return longer.with_vertex(longer.vertex)


def vertices_of(lines: npt.NDArray[np.object_]) -> Vertices:
    """Give each vertex of the lines a number (multi-lines are taken apart), places equal to about a centimetre alike.

    Parameters
    ----------
    lines
        LineStrings and MultiLineStrings in EPSG:4326, one a source row.

    Returns
    -------
    Vertices
        All lines, in the order given; lines shrunk to a point are left out.
    """
    parts, row = shapely.get_parts(lines, return_index=True)
    coordinates, line = shapely.get_coordinates(parts, return_index=True)
    places, vertex = np.unique(np.round(coordinates, DECIMALS), axis=0, return_inverse=True)
    vertices = Vertices(places[:, 0], places[:, 1], vertex.reshape(-1), line, row)
    return vertices.with_vertex(vertices.vertex)
