"""Solved parts kept for other plans: each under the hash of everything that decides it, so that re-use changes no byte.

A part is a siting or the rounds of one depot. `scenarios.batch` keeps them on disk; without a keeper every part is solved.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import pandas as pd

Result = TypeVar("Result")


class PartKeeper(Protocol):
    """Where solved parts are kept."""

    def get(self, key: str) -> bytes | None:
        """Return a part, or None if it is not there."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Keep a part."""
        ...


@dataclass(frozen=True, slots=True)
class PartKind(Generic[Result]):
    """How one kind of part is written and read.

    Attributes
    ----------
    name
        Name of the kind; part of every key.
    encode, decode
        To plain data and back without loss.
    is_final
        Whether a result may be kept; a clock that cut a search short decides otherwise.
    """

    name: str
    encode: Callable[[Result], Any]
    decode: Callable[[Any], Result]
    is_final: Callable[[Result], bool] = lambda _: True


def solved_once(
    keeper: PartKeeper | None, kind: PartKind[Result], key: Callable[[], str], solve: Callable[[], Result]
) -> Result:
    """Return a part from the keeper, or solve and keep it.

    Parameters
    ----------
    keeper
        None: solve, keep nothing.
    kind
        How the part is written.
    key
        Fingerprint of everything `solve` depends on (see `fingerprint`).
    solve
        Solves the part.
    """
    if keeper is None:
        return solve()
    name = f"{kind.name}-{key()}"
    kept = keeper.get(name)
    if kept is not None:
        return kind.decode(json.loads(kept))
    result = solve()
    if kind.is_final(result):
        text = json.dumps(kind.encode(result), ensure_ascii=False, separators=(",", ":"), default=_item)
        keeper.put(name, text.encode())
    return result


def _item(value: Any) -> Any:
    """Return a NumPy figure as a plain one."""
    return value.item()


def fingerprint(*values: object) -> str:
    """Return the SHA-256 of values by content: dataclasses, arrays, frames, mappings (in their order), plain data.

    Raises
    ------
    TypeError
        If a value is of another kind: a hash that misses something would re-use what it must not.
    """
    digest = hashlib.sha256()
    for value in values:
        _feed(digest, value)
    return digest.hexdigest()


def _feed(digest: Any, value: object) -> None:
    if isinstance(value, np.ndarray):
        _feed_array(digest, value)
    elif isinstance(value, pd.DataFrame):
        digest.update(b"F")
        _feed(digest, value.to_csv(index=False, lineterminator="\n"))
    elif isinstance(value, np.generic):
        _feed(digest, value.item())
    elif isinstance(value, float):
        digest.update(b"f" + value.hex().encode() + b";")
    elif value is None or isinstance(value, bool | int):
        digest.update(f"{type(value).__name__}{value};".encode())
    elif isinstance(value, str):
        data = value.encode()
        digest.update(b"s%d:" % len(data) + data)
    else:
        _feed_many(digest, value)


def _feed_array(digest: Any, value: np.ndarray) -> None:
    if value.dtype.hasobject:
        _feed(digest, value.tolist())
        return
    digest.update(f"A{value.dtype.str}{value.shape};".encode())
    digest.update(np.ascontiguousarray(value).tobytes())


def _feed_many(digest: Any, value: object) -> None:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        digest.update(f"D{type(value).__name__};".encode())
        inner = [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif isinstance(value, Mapping):
        inner = [part for pair in value.items() for part in pair]
    elif isinstance(value, tuple | list):
        inner = list(value)
    elif isinstance(value, frozenset | set):
        inner = sorted(value)
    else:
        msg = f"no fingerprint of {type(value).__name__}"
        raise TypeError(msg)
    digest.update(f"{len(inner)}(".encode())
    for part in inner:
        _feed(digest, part)
    digest.update(b")")
