"""Compared solvers of the p-median, each in a process of its own so that time and memory are its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_GRACE_S = 120.0


@dataclass(frozen=True, slots=True)
class PeerResult:
    """What a compared solver returned: CPU seconds, cost of its answer as measured here, status in its own words."""

    cpu: float | None
    cost: float | None
    status: str


def radius_highs(path: Path, seconds: float) -> PeerResult:
    """Solve the radius formulation (Cornuéjols, Nemhauser and Wolsey 1980; sparse form of Elloumi 2010) by HiGHS."""
    return _in_process("radius", path, seconds)


def spopt_cbc(path: Path, seconds: float) -> PeerResult:
    """Solve by spopt's p-median with PuLP's CBC; null where spopt is not installed."""
    if find_spec("spopt") is None:
        return PeerResult(None, None, "not installed")
    return _in_process("spopt", path, seconds)


def _in_process(name: str, path: Path, seconds: float) -> PeerResult:
    command = [sys.executable, str(_HERE / "peers_pmed.py"), name, str(path), str(seconds)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + _GRACE_S)
    except subprocess.TimeoutExpired:
        return PeerResult(None, None, f"no answer {_GRACE_S:.0f} s after its limit")
    if done.returncode != 0:
        return PeerResult(None, None, f"failed: {done.stderr.strip().splitlines()[-1:]}")
    return PeerResult(**json.loads(done.stdout.splitlines()[-1]))


def _solve_radius(metres, p, seconds):
    """Minimise ``Σ_i Σ_k (D_k+1 - D_k) z_ik``, z_ik = 1 if nobody opens within D_k: ``z_ik + Σ_{j at D_k} y_j ≥ z_i,k-1``."""
    import numpy as np
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint, milp

    n = metres.shape[0]
    cost, rows, columns, values, least = [np.zeros(n)], [], [], [], []
    size = n
    for i in range(n):
        levels, place = np.unique(metres[i], return_inverse=True)
        for k, step in enumerate(np.diff(levels)):
            at = np.flatnonzero(place == k)
            before = [size - 1] if k else []
            columns.append(np.concatenate((at, [size], before)))
            values.append(np.concatenate((np.ones(at.size + 1), -np.ones(len(before)))))
            rows.append(np.full(at.size + 1 + len(before), len(least)))
            least.append(0.0 if k else 1.0)
            cost.append(np.array([step]))
            size += 1
        last = np.flatnonzero(place == levels.size - 1)
        columns.append(np.append(last, size - 1))
        values.append(np.append(np.ones(last.size), -1.0))
        rows.append(np.full(last.size + 1, len(least)))
        least.append(0.0)
    row = len(least)
    row_index, column = np.concatenate(rows), np.concatenate(columns)
    matrix = sparse.csr_array((np.concatenate(values), (row_index, column.astype(np.int64))), shape=(row, size))
    total = sparse.csr_array((np.ones(n), (np.zeros(n, np.int64), np.arange(n))), shape=(1, size))
    integral = np.zeros(size)
    integral[:n] = 1
    found = milp(
        np.concatenate(cost),
        constraints=[LinearConstraint(matrix, lb=np.array(least)), LinearConstraint(total, p, p)],
        integrality=integral,
        bounds=Bounds(0, 1),
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    opened = [] if found.x is None else np.flatnonzero(found.x[:n] > 0.5)
    words = {0: "optimal", 1: "limit", 2: "infeasible"}.get(found.status, "other")
    return opened, f"{words}, gap {found.mip_gap:.2%}" if found.x is not None else f"{words}, nothing found"


def _solve_spopt(metres, p, seconds):
    import numpy as np
    import pulp
    from spopt.locate import PMedian

    model = PMedian.from_cost_matrix(metres, np.ones(metres.shape[0]), p_facilities=p)
    model = model.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=seconds))
    opened = [j for j, variable in enumerate(model.fac_vars) if (variable.value() or 0) > 0.5]
    return opened, f"calls it {pulp.LpStatus[model.problem.status]}"


def _main(name, path, seconds):
    import os

    from siting_families.parsers import read_pmed

    metres, p = read_pmed(Path(path))
    before = os.times()
    opened, status = {"radius": _solve_radius, "spopt": _solve_spopt}[name](metres, p, seconds)
    after = os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    cost = float(metres[:, list(opened)].min(axis=1).sum()) if len(opened) else None
    print(json.dumps({"cpu": cpu, "cost": cost, "status": status}))


if __name__ == "__main__":
    sys.path[:0] = [str(_HERE.parent)]
    _main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
