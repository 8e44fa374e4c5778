"""The importers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from geodata.county import County
from geodata.errors import Problem
from geodata.importers.osm_places import LEGAZPI, VAVUNIYA, import_extract
from geodata.importers.village_lists import (
    HUNAN_CODES,
    ZIYANG_CODES,
    import_hunan,
    import_mayang,
    import_ziyang,
)

#: Reads a data set below the data folder; returns the county as the data has it (not completed) and warnings.
Importer = Callable[[Path], tuple[County, tuple[Problem, ...]]]

IMPORTERS: Mapping[str, Importer] = MappingProxyType(
    {
        "mayang": import_mayang,
        "vavuniya": partial(import_extract, extract=VAVUNIYA),
        "legazpi": partial(import_extract, extract=LEGAZPI),
        **{f"hunan:{code}": partial(import_hunan, county_code=code) for code in HUNAN_CODES},
        **{f"ziyang:{code}": partial(import_ziyang, county_code=code) for code in ZIYANG_CODES},
    }
)
