"""The results of a batch as tables: Parquet files, asked with SQL (DuckDB)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from geodata.errors import InputError, UsageError
from geodata.messages import Message
from scenarios.batch.store import BatchStore

#: Table → columns with the kind of each.
TABLES: dict[str, dict[str, str]] = {
    "runs": {
        "county": "string",
        "scenario": "string",
        "status": "string",
        "county_code": "string",
        "county_name": "string",
        "villages": "Int64",
        "villages_served": "Int64",
        "cost_cny_per_day": "Float64",
        "investment_cny": "Float64",
        "siting_status": "string",
        "siting_gap": "Float64",
        "routing_status": "string",
        "routing_gap": "Float64",
        "reason_en": "string",
        "reason_zh": "string",
        "job_hash": "string",
    },
    "kpis": {
        "county": "string",
        "scenario": "string",
        "kpi_id": "string",
        "part": "string",
        "value": "Float64",
        "unit": "string",
        "numerator": "Float64",
        "denominator": "Float64",
        "list_id": "string",
    },
    "settings": {"county": "string", "scenario": "string", "key": "string", "value": "string"},
    "sites": {"county": "string", "scenario": "string", "facility_id": "string", "kind": "string", "name": "string"},
    "unserved": {
        "county": "string",
        "scenario": "string",
        "village_code": "string",
        "name": "string",
        "reason": "string",
    },
}

#: Kind of a column in SQL.
_SQL = {"string": "VARCHAR", "Int64": "BIGINT", "Float64": "DOUBLE"}


def write_tables(store: BatchStore) -> None:
    """Write one Parquet file a table, rows in the order of the index; the same results give the same bytes."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for entry in store.index():
        where = {"county": entry["county"], "scenario": entry["scenario"]}
        if entry["status"] not in ("ok", "failed"):
            rows["runs"].append({**where, "status": entry["status"], "job_hash": entry["job_hash"]})
            continue
        _add(rows, where, entry["job_hash"], store.get(entry["job_hash"]))
    for name, columns in TABLES.items():
        write_table(store.folder, name, pd.DataFrame(rows[name], columns=list(columns)))


def write_table(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Write one table as Parquet: whole beside its place, then moved in; the same rows give the same bytes."""
    part = folder / f".{name}.parquet.part"
    columns = ", ".join(f'CAST("{column}" AS {_SQL[kind]}) AS "{column}"' for column, kind in TABLES[name].items())
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.register("rows_given", frame.astype(TABLES[name]).astype(object).where(frame.notna(), None))
        connection.sql(f"SELECT {columns} FROM rows_given").write_parquet(str(part))  # noqa: S608 - our own column names
    part.replace(folder / f"{name}.parquet")


def _add(rows: dict[str, list[dict[str, Any]]], where: dict[str, str], job_hash: str, result: dict[str, Any]) -> None:
    run: dict[str, Any] = {**where, "status": result["status"], "job_hash": job_hash}
    if result["status"] == "failed":
        failure = result["failure"]
        rows["runs"].append({**run, "reason_en": failure["en"], "reason_zh": failure["zh"]})
        return
    plan = result["plan"]
    villages = plan["county"]["rows"]["villages"]
    run |= {
        "county_code": plan["county"]["code"],
        "county_name": plan["county"]["name"],
        "villages": villages,
        "villages_served": villages - len(plan["unserved"]),
        "cost_cny_per_day": plan["cost_cny_per_day"],
        "investment_cny": plan["investment_cny"],
    }
    for tier in ("siting", "routing"):
        report = plan[tier]["report"]
        run |= {f"{tier}_status": report["status"], f"{tier}_gap": report["gap"]}
    rows["runs"].append(run)
    rows["kpis"] += [{**where, **kpi} for kpi in plan["kpis"]]
    rows["settings"] += [{**where, "key": key, "value": str(value)} for key, value in plan["settings"].items()]
    rows["sites"] += [{**where, **site} for site in plan["siting"]["open"]]
    rows["unserved"] += [{**where, **village} for village in plan["unserved"]]


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """Return one table of a finished batch.

    Raises
    ------
    InputError
        If the folder holds no finished batch.
    """
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise InputError(Message("batch_no_folder", {"folder": str(folder), "file": path.name}))
    with duckdb.connect(":memory:") as connection:
        return connection.read_parquet(str(path)).df()


def query_batch(folder: Path, sql: str) -> pd.DataFrame:
    """Return the answer to an SQL question over the tables `runs`, `kpis`, `settings`, `sites`, `unserved`.

    Raises
    ------
    InputError
        If the folder holds no finished batch.
    UsageError
        If the question is not understood.
    """
    frames = {name: read_table(folder, name) for name in TABLES}
    with duckdb.connect(":memory:") as connection:
        for name, frame in frames.items():
            connection.register(name, frame)
        connection.execute("SET enable_external_access = false")
        try:
            return connection.execute(sql).df()
        except duckdb.Error as error:
            raise UsageError(Message("batch_query", {"reason": str(error), "tables": ", ".join(TABLES)})) from error
