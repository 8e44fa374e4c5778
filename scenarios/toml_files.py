"""TOML files a planner writes, read and checked against a model: every problem at once, in plain words."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from geodata.errors import UsageError
from geodata.messages import Message
from scenarios.spec import KeyProblem, ScenarioError

Model = TypeVar("Model", bound=BaseModel)


def parse_toml(data: bytes, name: str) -> dict[str, Any]:
    """Return the document of a TOML file.

    Raises
    ------
    UsageError
        If it is not UTF-8 or not TOML.
    """
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UsageError(Message("scenario_not_utf8", {"file": name})) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(Message("scenario_not_toml", {"file": name, "reason": str(error)})) from error


def read_model(path: Path, model: type[Model], bad_key: str) -> Model:
    """Read a TOML file into a model.

    Parameters
    ----------
    path
        File.
    model
        What it must hold.
    bad_key
        Message (of `key` and `reason`) for a key that does not fit.

    Raises
    ------
    UsageError
        If it cannot be read as TOML.
    ScenarioError
        With every key that does not fit.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(Message("batch_unreadable", {"file": str(path), "reason": error.strerror or ""})) from error
    try:
        return model.model_validate(parse_toml(data, path.name))
    except ValidationError as error:
        raise ScenarioError([_problem(d, path.name, bad_key) for d in error.errors(include_url=False)]) from error


def _problem(details: Any, origin: str, bad_key: str) -> KeyProblem:
    key = ".".join(str(part) for part in details["loc"])
    return KeyProblem(origin, key, Message(bad_key, {"key": key, "reason": str(details["msg"])}))
