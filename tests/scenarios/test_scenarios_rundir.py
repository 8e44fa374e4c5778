"""The run folder is written whole or not at all."""

import json
import os
from pathlib import Path

import pytest

from geodata.errors import InputError
from scenarios import rundir
from scenarios.rundir import (
    MANIFEST,
    is_up_to_date,
    library_versions,
    output_hashes,
    path_hashes,
    refuse_occupied,
    source_hashes,
    whole_file,
    whole_folder,
    write_json,
)


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_folder_appears_only_when_finished(tmp_path: Path) -> None:
    target = tmp_path / "runs" / "a"
    with whole_folder(target) as place:
        (place / "x.txt").write_text("x", encoding="utf-8")
        assert not target.exists()
        assert place.parent == target.parent
    assert everything(tmp_path) == ["runs", "runs/a", "runs/a/x.txt"]


def fill_and_stop(folder: Path, stop: type[BaseException]) -> None:
    with whole_folder(folder) as place:
        (place / "sub").mkdir()
        (place / "sub" / "x.txt").write_text("x", encoding="utf-8")
        raise stop


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_when_it_fails(tmp_path: Path, stop: type[BaseException]) -> None:
    with pytest.raises(stop):
        fill_and_stop(tmp_path / "deep" / "runs" / "a", stop)
    assert everything(tmp_path) == []


def test_empty_folder_is_filled(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.mkdir()
    with whole_folder(target) as place:
        (place / "x.txt").write_text("x", encoding="utf-8")
    assert everything(tmp_path) == ["a", "a/x.txt"]


def test_roundabout_paths_are_straightened(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with whole_folder(tmp_path / "x" / ".." / "a" / "b" / "..") as place:
        assert place.parent == tmp_path.resolve()
    assert everything(tmp_path) == ["a", "x"]


def test_occupied_folder_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError) as caught, whole_folder(tmp_path):
        pytest.fail("the block must not run")
    assert caught.value.message.key == "run_folder_exists"
    assert everything(tmp_path) == ["mine.txt"]
    with pytest.raises(InputError, match="is a file"):
        refuse_occupied(tmp_path / "mine.txt")


def fill_while_another_does(folder: Path) -> None:
    with whole_folder(folder) as place:
        (place / "x.txt").write_text("x", encoding="utf-8")
        folder.mkdir()
        (folder / "other.txt").write_text("o", encoding="utf-8")


def test_folder_filled_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="exists"):
        fill_while_another_does(tmp_path / "a")
    assert everything(tmp_path) == ["a", "a/other.txt"]


def test_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError) as caught, whole_folder(tmp_path / "file" / "a"):
        pytest.fail("the block must not run")
    assert caught.value.message.key == "run_folder_not_writable"


def test_a_held_file_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise PermissionError(13, "held")
        real(source, target)

    monkeypatch.setattr(rundir.os, "replace", replace)
    monkeypatch.setattr(rundir, "_MOVE_PAUSE_S", 0.0)
    with whole_folder(tmp_path / "a"):
        pass
    assert len(tries) == 3
    tries.clear()
    monkeypatch.setattr(rundir, "_MOVE_TRIES", 2)
    with pytest.raises(InputError, match="held"), whole_folder(tmp_path / "b"):
        pass
    assert everything(tmp_path) == ["a"]


def test_file_appears_only_when_finished(tmp_path: Path) -> None:
    with whole_file(tmp_path / "sub" / "a.xlsx") as place:
        assert place.suffix == ".xlsx"
        place.write_bytes(b"x")
        assert not (tmp_path / "sub" / "a.xlsx").exists()
    assert everything(tmp_path) == ["sub", "sub/a.xlsx"]
    with pytest.raises(InputError, match="not written over"), whole_file(tmp_path / "sub" / "a.xlsx"):
        pytest.fail("the block must not run")


def write_half(file: Path, stop: type[BaseException]) -> None:
    with whole_file(file) as place:
        place.write_bytes(b"half")
        raise stop


@pytest.mark.parametrize("stop", [ValueError, OSError, KeyboardInterrupt])
def test_no_half_file_is_left(tmp_path: Path, stop: type[BaseException]) -> None:
    with pytest.raises(InputError if stop is OSError else stop):
        write_half(tmp_path / "sub" / "a.xlsx", stop)
    assert everything(tmp_path) == []


def test_up_to_date_means_same_run_same_versions_same_files(tmp_path: Path) -> None:
    assert not is_up_to_date(tmp_path, "h")
    (tmp_path / "plan.json").write_text("{}", encoding="utf-8")
    manifest = {"run_hash": "h", "versions": library_versions(), "outputs": dict(output_hashes(tmp_path))}
    write_json(tmp_path / MANIFEST, manifest)
    assert is_up_to_date(tmp_path, "h")
    assert not is_up_to_date(tmp_path, "other")
    (tmp_path / "plan.json").write_text("{ }", encoding="utf-8")
    assert not is_up_to_date(tmp_path, "h")
    write_json(tmp_path / MANIFEST, {**manifest, "outputs": dict(output_hashes(tmp_path))})
    assert is_up_to_date(tmp_path, "h")
    write_json(tmp_path / MANIFEST, {**manifest, "versions": {}, "outputs": dict(output_hashes(tmp_path))})
    assert not is_up_to_date(tmp_path, "h")
    (tmp_path / MANIFEST).write_text("[", encoding="utf-8")
    assert not is_up_to_date(tmp_path, "h")


def test_json_is_canonical(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": "麻阳"})
    raw = (tmp_path / "a.json").read_bytes()
    assert raw == '{\n "a": "麻阳",\n "b": 1\n}\n'.encode()
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "b.json", {"a": float("nan")})
    assert json.loads(raw) == {"a": "麻阳", "b": 1}


def test_hashes_of_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_bytes(b"b")
    (tmp_path / "a.csv").write_bytes(b"a")
    assert list(path_hashes(tmp_path)) == ["a.csv", "b.csv"]
    # SHA-256 of the single byte "a", a published test value
    assert path_hashes(tmp_path / "a.csv") == {
        "a.csv": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    }
    assert path_hashes(tmp_path / "none") == {}


def test_sources_name_their_files(tmp_path: Path) -> None:
    (tmp_path / "osm").mkdir()
    (tmp_path / "osm" / "x.pbf").write_bytes(b"a")
    (tmp_path / "osm" / "y.csv").write_bytes(b"b")
    assert list(source_hashes(tmp_path, ["osm/x.pbf: somebody", "osm/x.pbf: again", "nowhere: x", ""])) == ["osm/x.pbf"]
    assert list(source_hashes(tmp_path, ["osm: somebody"])) == ["osm/x.pbf", "osm/y.csv"]
