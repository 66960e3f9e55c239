"""The benchmark of the training loop: it runs, compares like with like, and refuses nonsense."""

import pytest

from benchmarks.training_loop import Benchmark


def test_all_three_are_timed_beside_each_other() -> None:
    report = Benchmark(steps=3, rounds=2, batch_size=8, channels=4, blocks=1).run()
    facts, _, _, _, *rows = report.splitlines()
    assert facts.startswith("3 steps of 8 positions, 2 rounds")
    names = [row.split("|")[1].strip() for row in rows]
    assert names == ["bare", "fourcast", "bare again (control)"]
    assert rows[0].endswith("| 1.000 (1.000 to 1.000) |")


def test_nothing_to_time_is_refused() -> None:
    with pytest.raises(ValueError, match="--batch-size must be at least 1"):
        Benchmark(batch_size=0)
