"""Invented names of towns, villages and hamlets; made from a few syllables, unique within the county."""

from __future__ import annotations

from itertools import product

import numpy as np

_FIRST = "柚枫梨竹松桂杏茶桐樟柏荷菊兰莲梅橙桃李枣"
_SECOND = "溪坪湾岭塘坡冲坳洲田桥岩泉谷原潭庄坝井垭"
_ROOTS = "青白金石大小上下东西南北新长高平双龙马鹤云月星和安福永乐清黄"


def town_names(count: int, rng: np.random.Generator) -> list[str]:
    """Return different two-syllable names of towns, without 镇 or 乡."""
    pool = [a + b for a, b in product(_FIRST, _SECOND)]
    return _drawn(pool, count, rng)


def village_names(count: int, taken: set[str], rng: np.random.Generator) -> list[str]:
    """Return different village names without 村; none of `taken`."""
    pool = [r + a for r, a in product(_ROOTS, _SECOND)]
    if count > len(pool) - len(taken):
        pool += [r + a + b for r, a, b in product(_ROOTS, _FIRST, _SECOND)]
    return _drawn([name for name in pool if name not in taken], count, rng)


def hamlet_name(village: str, number: int) -> str:
    """Return the name of a villagers' group: 第一组, 第二组 …."""
    return f"{village}第{'一二三四五六七八九'[number]}组"


def _drawn(pool: list[str], count: int, rng: np.random.Generator) -> list[str]:
    return [pool[i] for i in rng.permutation(len(pool))[:count]]
