"""Kernels: said once when compiled, parts without a wrapper, one signature, the collector of garbage as it was."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from planner.engines.compiled import compiled_part, part_alone
from planner.progress import told_of_preparing


def test_compiling_is_told_and_leaves_the_garbage_collector_as_it_was():
    def doubled(values):
        for k in range(values.size):
            values[k] *= 2.0

    seen = []
    kernel = part_alone(compiled_part(doubled))
    values = np.array([1.0, 2.5])
    with told_of_preparing(lambda: seen.append(gc.isenabled())):
        kernel(values)
        assert seen == [False]
        kernel(values)
    assert values.tolist() == [4.0, 10.0]
    assert seen == [False]
    assert gc.isenabled()


def test_a_part_is_compiled_once_for_a_literal_and_a_number_found_later():
    added = compiled_part(lambda values, k: values[k] + 1.0)

    def summed(values):
        total = added(values, values.size - values.size)
        for k in range(values.size):
            total += added(values, k)
        return total

    assert part_alone(compiled_part(summed))(np.array([1.0, 2.0])) == 1.0 + 1.0 + 2.0 + 3.0
    assert len(added.signatures) == 1


def test_division_by_zero_in_a_kernel_is_an_error():
    divided = part_alone(compiled_part(lambda a, b: a / b))
    assert divided(6.0, 3.0) == 2.0
    with pytest.raises(ZeroDivisionError):
        divided(1.0, 0.0)


def test_a_part_called_from_python_runs_as_python():
    inner = compiled_part(lambda a: [str(a)])  # nothing a kernel could be compiled from
    assert inner(3) == ["3"]
    assert not inner.signatures
