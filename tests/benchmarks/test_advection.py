"""The benchmark of the equation: real runs of ours, in processes of their own."""

import re

import pytest

from benchmarks.advection import SOLVERS, Benchmark


def test_ours_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    # The control is the same again, and every process takes seconds to import torch.
    monkeypatch.delitem(SOLVERS, "control")
    report = Benchmark(seeds=1, steps=1, without_peer=True).run()
    rows = re.findall(r"^\| (.+) \| 1 \| (\S+) \| (\S+) \|$", report, re.MULTILINE)
    titles, errors, seconds = zip(*rows, strict=True)
    assert titles == (SOLVERS["network"], SOLVERS["features"])
    # One step is too few for a good network; least squares needs no steps.
    assert float(errors[0]) > 1e-3
    assert float(errors[1]) < 1e-11
    assert all(float(one) > 0 for one in seconds)


@pytest.mark.parametrize(("seeds", "steps"), [(0, 1), (1, 0)])
def test_wrong_numbers_are_refused_in_words(seeds: int, steps: int) -> None:
    with pytest.raises(ValueError, match=f"--seeds {seeds} --steps {steps}: each must be"):
        Benchmark(seeds=seeds, steps=steps)
