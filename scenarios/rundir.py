"""The run folder: written whole beside its place and moved in at the end, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from geodata.errors import InputError
from geodata.messages import Message

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = 1
DISTRIBUTION = "xiangyou"
#: Libraries whose version can change a result or a file.
_LIBRARIES = (
    "folium",
    "geopandas",
    "jinja2",
    "networkx",
    "numpy",
    "openpyxl",
    "ortools",
    "osmium",
    "pandas",
    "pydantic",
    "pyogrio",
    "pyproj",
    "python-calamine",
    "scipy",
    "shapely",
    "xlsxwriter",
)
_MOVE_TRIES = 6
_MOVE_PAUSE_S = 0.25


def library_versions() -> dict[str, str]:
    """Return the versions of xiangyou and of the libraries that shape a result."""
    return {name: _version(name) for name in (DISTRIBUTION, *_LIBRARIES)}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def environment() -> dict[str, Any]:
    """Return versions, Python and platform, for the manifest."""
    return {
        "versions": library_versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
    }


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def path_hashes(path: Path) -> dict[str, str]:
    """Return name → SHA-256 of a file, or of every file directly in a folder; names are relative, sorted."""
    if path.is_dir():
        return {p.name: file_sha256(p) for p in sorted(path.iterdir()) if p.is_file()}
    return {path.name: file_sha256(path)} if path.is_file() else {}


def source_hashes(folder: Path, sources: Iterable[str]) -> dict[str, str]:
    """Return name → SHA-256 of the files an importer's sources name (``mayang/villages.csv: who published it``)."""
    hashes: dict[str, str] = {}
    for name in sorted({source.partition(":")[0].strip() for source in sources}):
        path = folder / name
        if name and path.exists():
            prefix = f"{name}/" if path.is_dir() else name.rpartition("/")[0] + "/" * ("/" in name)
            hashes.update({f"{prefix}{inner}": sha for inner, sha in path_hashes(path).items()})
    return hashes


def write_json(path: Path, value: Any) -> None:
    """Write canonical JSON: sorted keys, utf-8, line feeds on every platform."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)
    path.write_bytes(f"{text}\n".encode())


def write_text(path: Path, text: str) -> None:
    """Write utf-8 with line feeds on every platform."""
    path.write_bytes(text.encode())


def refuse_occupied(folder: Path) -> None:
    """Refuse a folder that exists and holds something, or a file in its place.

    Raises
    ------
    InputError
        Naming the folder and what to do.
    """
    if folder.is_dir():
        if any(folder.iterdir()):
            raise InputError(Message("run_folder_exists", {"folder": str(folder)}))
    elif folder.exists() or folder.is_symlink():
        raise InputError(Message("run_folder_is_file", {"folder": str(folder)}))


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a run folder, or None if there is none that can be read."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None


def is_up_to_date(folder: Path, run_hash: str) -> bool:
    """Tell whether a folder holds this very run, by the same versions, with every file as it was written."""
    manifest = read_manifest(folder)
    if manifest is None or manifest.get("run_hash") != run_hash or manifest.get("versions") != library_versions():
        return False
    outputs = manifest.get("outputs")
    if not isinstance(outputs, dict) or not outputs:
        return False
    return all((folder / name).is_file() and file_sha256(folder / name) == sha for name, sha in outputs.items())


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside `folder`; move it into place if the block ends well, remove it if not.

    Raises
    ------
    InputError
        If `folder` is occupied, or its place cannot be written to.
    """
    refuse_occupied(folder)
    folder = folder.resolve()
    made = _make_parents(folder.parent)
    temporary: Path | None = None
    try:
        temporary = _make_temporary(folder)
        yield temporary
        refuse_occupied(folder)
        _move(temporary, folder)
    except BaseException:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        _remove_parents(made)
        raise


@contextlib.contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """Give a file name in a temporary folder; move the file, and what was written beside it, into place at the end.

    Raises
    ------
    InputError
        If a file of that name exists, or the place cannot be written to.
    """
    refuse_existing(file)
    file = file.resolve()
    made = _make_parents(file.parent)
    temporary: Path | None = None
    try:
        temporary = _make_temporary(file)
        yield temporary / file.name
        written = sorted(temporary.iterdir())
        for path in written:
            refuse_existing(file.parent / path.name)
        for path in written:
            _move(path, file.parent / path.name)
        temporary.rmdir()
    except BaseException as error:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        _remove_parents(made)
        if isinstance(error, OSError):
            raise _not_writable(file, error) from error
        raise


def refuse_existing(file: Path) -> None:
    """Refuse to write over a file.

    Raises
    ------
    InputError
        Naming the file.
    """
    if file.exists() or file.is_symlink():
        raise InputError(Message("cli_target_exists", {"file": str(file)}))


def _remove_parents(made: list[Path]) -> None:
    for parent in made:
        with contextlib.suppress(OSError):
            parent.rmdir()


def _make_parents(parent: Path) -> list[Path]:
    """Make missing parents; return those made, innermost first."""
    missing = [p for p in (parent, *parent.parents) if not p.exists()]
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(parent, error) from error
    return missing


def _make_temporary(folder: Path) -> Path:
    try:
        temporary = folder.parent / f".{folder.name}.{secrets.token_hex(4)}.part"
        temporary.mkdir()
    except OSError as error:
        raise _not_writable(folder.parent, error) from error
    return temporary


def _move(temporary: Path, folder: Path) -> None:
    """Move the finished folder into place. Windows refuses while a scanner holds a file: try again a few times."""
    try:
        if folder.is_dir():
            folder.rmdir()  # empty, as checked; os.replace does not replace a folder on Windows
    except OSError as error:
        raise _not_writable(folder, error) from error
    for attempt in range(_MOVE_TRIES):
        try:
            os.replace(temporary, folder)  # noqa: PTH105 - said outright: atomic within one folder
        except PermissionError as error:
            if attempt == _MOVE_TRIES - 1:
                raise _not_writable(folder, error) from error
            time.sleep(_MOVE_PAUSE_S)
        except OSError as error:
            raise _not_writable(folder, error) from error
        else:
            return


def _not_writable(folder: Path, error: OSError) -> InputError:
    figures = {"folder": str(folder), "reason": error.strerror or str(error)}
    return InputError(Message("run_folder_not_writable", figures))


def output_hashes(folder: Path) -> Mapping[str, str]:
    """Return name → SHA-256 of every file in a finished folder but the manifest."""
    return {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
