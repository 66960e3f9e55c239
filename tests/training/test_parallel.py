"""Work in parts on a Ray cluster of two workers: the same parts as in plain processes."""

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fourcast_training.connect4.data import DataConfig, load_or_label
from fourcast_training.parallel import Arrays, run_parts

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'fourcast[ray]'")

TABLE = DataConfig(
    train=1000,
    validation=0,
    test=0,
    first_ply=26,
    openings=0,
    games=0,
    random=0,
    seed=21,
    jobs=2,
)


def _start() -> None:
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        logging_level=logging.ERROR,
        object_store_memory=100 << 20,
    )


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster on this machine that runs two tasks at a time."""
    with pytest.MonkeyPatch.context() as patch:
        # Ray would tell its makers about each cluster.
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        try:
            _start()
        except RuntimeError:  # read from a cold disk, its programs can miss its own time limit
            ray.shutdown()
            _start()
        yield
        ray.shutdown()


def who(number: int) -> Arrays:
    """Which process computes this part; slow enough that one alone does not do them all."""
    time.sleep(0.2)
    return {"process": np.array(os.getpid()), "number": np.array(number)}


@pytest.mark.usefixtures("cluster")
def test_two_workers_share_the_parts(tmp_path: Path) -> None:
    parts = [(number,) for number in range(6)]
    results = run_parts(tmp_path, parts, who, jobs=2, description="", backend="ray")
    assert [int(result["number"]) for result in results] == list(range(6))
    workers = {int(result["process"]) for result in results}
    assert len(workers) == 2
    assert os.getpid() not in workers


@pytest.mark.usefixtures("cluster")
def test_the_labels_are_those_of_a_plain_run(tmp_path: Path) -> None:
    on_ray = replace(TABLE, backend="ray", folder=tmp_path / "ray")
    plain = replace(TABLE, jobs=1, folder=tmp_path / "plain")
    assert load_or_label(on_ray, "train").sha256 == load_or_label(plain, "train").sha256
