"""The training loop: what it learns, when it stops, and that a killed run ends as if it had not.

`Counter` makes the loop's arithmetic visible: its loss has gradient -1 everywhere, so Adam moves
its one weight up by exactly the learning rate in every step.
"""

import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fourcast_training.loop import (
    Batch,
    LoopConfig,
    Progress,
    choose_device,
    choose_precision,
    fit,
)
from tests.training.running import fourcast_train, kill_when, run

PLAIN = LoopConfig(
    epochs=10, batch_size=8, learning_rate=0.1, schedule="constant", optimizer="adam", device="cpu"
)


class Counter(nn.Module):
    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(start))

    def forward(self, _: Tensor) -> Tensor:
        return -self.weight


def count(
    network: Counter,
    config: LoopConfig,
    folder: Path,
    *,
    steps: int = 1,
    target: float = math.inf,
    seen: list[float] | None = None,
    identity: str = "counter",
    loss: Callable[[nn.Module, Batch], Tensor] = lambda net, batch: net(batch[0]),
) -> Progress:
    """Fit a `Counter`; its score is best where the weight is ``target``, or never improves."""

    def batches(_: int, __: np.random.Generator, size: int) -> Iterator[Batch]:
        for _step in range(steps):
            yield (torch.zeros(size),)
            if seen is not None:
                seen.append(network.weight.item())

    def validate(_: nn.Module) -> dict[str, float]:
        distance = abs(network.weight.item() - target)
        return {"closeness": 1.0 if math.isinf(distance) else -distance}

    return fit(
        network,
        config,
        folder,
        identity=identity,
        batches=batches,
        steps=steps,
        loss=loss,
        validate=validate,
        score="closeness",
    )


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for processors with g++")
def test_a_compiled_network_learns_the_same(tmp_path: Path) -> None:
    weights = []
    for compiled in ("yes", "no"):
        network = Counter()
        count(network, replace(PLAIN, compile=compiled), tmp_path / compiled, target=1.0)
        weights.append(network.state_dict()["weight"].item())
    assert weights[0] == pytest.approx(weights[1])
    assert weights[0] == pytest.approx(PLAIN.epochs * PLAIN.learning_rate)


def test_a_noisy_line_is_learnt(tmp_path: Path) -> None:
    random = torch.Generator().manual_seed(0)
    x = torch.randn(512, 2, generator=random)
    y = x @ torch.tensor([2.0, -3.0]) + 0.5 + 0.01 * torch.randn(512, generator=random)
    network = nn.Linear(2, 1)

    def batches(_: int, generator: np.random.Generator, size: int) -> Iterator[Batch]:
        for chosen in np.array_split(generator.permutation(512), 512 // size):
            yield x[chosen], y[chosen]

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        error: Tensor = net(batch[0])[:, 0] - batch[1]
        return error.square().mean()

    progress = fit(
        network,
        LoopConfig(epochs=20, batch_size=16, learning_rate=0.1, device="cpu"),
        tmp_path,
        identity="line",
        batches=batches,
        steps=32,
        loss=loss,
        validate=lambda net: {"score": -loss(net, (x, y)).item()},
        score="score",
    )
    assert not network.training
    assert network.weight.detach()[0].tolist() == pytest.approx([2, -3], abs=0.01)
    assert network.bias.item() == pytest.approx(0.5, abs=0.01)
    assert len(progress.history) == progress.epoch == 20
    assert progress.history[-1]["loss"] < 1e-3 < progress.history[0]["loss"]


def test_the_weights_of_the_best_epoch_are_kept(tmp_path: Path) -> None:
    network = Counter()
    progress = count(network, PLAIN, tmp_path, target=0.4)
    assert (progress.epoch, progress.best_epoch) == (10, 4)
    assert network.weight.item() == pytest.approx(0.4)
    assert progress.best_weights["weight"].item() == network.weight.item()
    assert progress.best_score == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("patience", "epochs"), [(1, 5), (3, 7), (6, 10), (100, 10), (None, 10)])
def test_patience_counts_epochs_since_the_best(
    tmp_path: Path, patience: int | None, epochs: int
) -> None:
    progress = count(Counter(), replace(PLAIN, patience=patience), tmp_path, target=0.4)
    assert (progress.epoch, progress.best_epoch) == (epochs, 4)


def test_the_loss_in_the_history_is_the_mean_over_the_steps(tmp_path: Path) -> None:
    progress = count(Counter(), replace(PLAIN, epochs=2), tmp_path, steps=4)
    losses = [row["loss"] for row in progress.history]
    assert losses == pytest.approx([-(0 + 0.1 + 0.2 + 0.3) / 4, -(0.4 + 0.5 + 0.6 + 0.7) / 4])


def rates(config: LoopConfig, folder: Path) -> list[float]:
    """The learning rate of every step of a run of 10 epochs of 10 steps."""
    seen = [0.0]
    count(Counter(), config, folder, steps=10, seen=seen)
    return np.diff(seen).tolist()


def test_a_constant_rate_stays(tmp_path: Path) -> None:
    assert rates(PLAIN, tmp_path) == pytest.approx([0.1] * 100, rel=1e-4)


def test_the_cosine_warms_up_and_falls_to_nothing(tmp_path: Path) -> None:
    found = rates(replace(PLAIN, schedule="cosine"), tmp_path)
    top = found.index(max(found))
    assert top == 5
    assert found[top] == pytest.approx(0.1, rel=1e-3)
    assert found[:6] == sorted(found[:6])
    assert found[5:] == sorted(found[5:], reverse=True)
    assert found[0] < 0.01
    assert found[-1] < 0.001
    halfway = top + (100 - top) // 2
    assert found[halfway] == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize(("optimizer", "left"), [("adamw", (1 - 0.1 * 0.5) ** 3), ("adam", 1.0)])
def test_only_adamw_decays_weights(tmp_path: Path, optimizer: Any, left: float) -> None:
    network = Counter(start=1.0)
    config = replace(PLAIN, epochs=3, optimizer=optimizer, weight_decay=0.5)
    count(network, config, tmp_path, loss=lambda net, batch: 0 * net(batch[0]))
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert state["network"]["weight"].item() == pytest.approx(left)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_ends_the_run(tmp_path: Path, value: float) -> None:
    network = Counter()

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        loss: Tensor = net(batch[0])
        return loss * (value if network.weight > 0.15 else 1.0)

    with pytest.raises(RuntimeError, match=r"the loss is -?(nan|inf) in epoch 3: try a lower rate"):
        count(network, PLAIN, tmp_path, loss=loss)
    # What was good stays: two epochs, neither of them spoilt.
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert state["progress"]["epoch"] == 2
    assert state["network"]["weight"].item() == pytest.approx(0.2)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_cuda_without_a_gpu_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="--device cuda: torch finds no GPU"):
        count(Counter(), replace(PLAIN, device="cuda"), tmp_path)
    assert choose_device("auto") == torch.device("cpu")


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    count(Counter(), replace(PLAIN, epochs=2), tmp_path, identity="rate 0.1")
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(ValueError, match="belongs to another run") as raised:
        count(Counter(), PLAIN, tmp_path, identity="rate 0.2")
    for words in (str(tmp_path / "checkpoint.pt"), "rate 0.1", "rate 0.2", "--folder"):
        assert words in str(raised.value)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_a_finished_run_is_read_not_repeated(tmp_path: Path) -> None:
    first = Counter()
    done = count(first, PLAIN, tmp_path, target=0.4)
    seen: list[float] = []
    second = Counter()
    again = count(second, PLAIN, tmp_path, target=0.4, seen=seen)
    assert seen == []
    assert second.weight.item() == first.weight.item()
    assert (again.epoch, again.best_epoch, again.history) == (10, 4, done.history)


def test_the_average_lags_behind_and_is_what_is_kept(tmp_path: Path) -> None:
    network = Counter()
    config = replace(PLAIN, epochs=4, average=0.5)
    progress = count(network, config, tmp_path, steps=5)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    average = 0.0
    for number in range(20):
        # The weight rises by 0.1 a step; the first steps weigh more than the decay says.
        share = 1 - min(0.5, (1 + number) / (10 + number))
        average += share * (0.1 * (number + 1) - average)
        if number == 4:
            first_epoch = average
    assert state["network"]["weight"].item() == pytest.approx(2.0, rel=1e-3)
    assert state["average"]["weight"].item() == pytest.approx(average, rel=1e-3)
    assert average < 1.95
    # All epochs score alike, so the first one is the best.
    assert progress.best_epoch == 1
    assert network.weight.item() == pytest.approx(first_epoch, rel=1e-3)


def test_an_average_is_what_is_validated(tmp_path: Path) -> None:
    seen: list[float] = []

    class Watched(Counter):
        def forward(self, x: Tensor) -> Tensor:
            if not self.training:
                seen.append(self.weight.item())
            return super().forward(x)

    network = Watched()
    fit(
        network,
        replace(PLAIN, epochs=3, average=0.9),
        tmp_path,
        identity="watched",
        batches=lambda _, __, size: iter([(torch.zeros(size),)] * 4),
        steps=4,
        loss=lambda net, batch: net(batch[0]),
        validate=lambda net: {"score": -net(torch.zeros(1)).item()},
        score="score",
    )
    assert len(seen) == 3
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert seen[-1] == state["average"]["weight"].item() < state["network"]["weight"].item()


def test_bfloat16_rounds_products_and_not_weights(tmp_path: Path) -> None:
    x = torch.full((8, 1), 1 + 2**-10)  # bfloat16 has eight bits and makes a 1 of it
    losses = {}
    names: tuple[Literal["float32", "bfloat16"], ...] = ("float32", "bfloat16")
    for precision in names:
        torch.manual_seed(0)
        network = nn.Linear(1, 1, bias=False)
        with torch.no_grad():
            network.weight.fill_(1.0)
        progress = fit(
            network,
            replace(PLAIN, epochs=1, learning_rate=1e-3, precision=precision),
            tmp_path / precision,
            identity=precision,
            batches=lambda _, __, ___: iter([(x,)]),
            steps=1,
            loss=lambda net, batch: net(batch[0]).float().mean(),
            validate=lambda _: {"score": 0.0},
            score="score",
        )
        losses[precision] = progress.history[0]["loss"]
        assert network.weight.dtype == torch.float32
    assert losses["float32"] == pytest.approx(1 + 2**-10, abs=1e-7)
    assert losses["bfloat16"] == 1.0


def test_precision_auto_follows_the_processor() -> None:
    device = torch.device("cpu")
    assert choose_precision("float32", device) == torch.float32
    assert choose_precision("bfloat16", device) == torch.bfloat16
    flags = Path("/proc/cpuinfo")
    if flags.exists():
        has = any(word in flags.read_text() for word in ("avx512_bf16", "amx_bf16"))
        assert choose_precision("auto", device) == (torch.bfloat16 if has else torch.float32)


def noisy(
    folder: Path, seed: int, *, average: float = 0.0, interrupted_in: int | None = None
) -> dict[str, Tensor]:
    """Train a network with dropout and batch normalisation on shuffled data, perhaps with a Ctrl-C.

    Returns the network's state at the end.
    """
    x = torch.linspace(-1, 1, 64)[:, None]
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Linear(1, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1)
    )
    epochs = iter(range(100))

    def batches(_: int, generator: np.random.Generator, size: int) -> Iterator[Batch]:
        epoch = next(epochs)
        order = generator.permutation(64)
        for number, chosen in enumerate(np.array_split(order, 64 // size)):
            if (epoch, number) == (interrupted_in, 3):
                raise KeyboardInterrupt
            yield (x[chosen],)

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        error: Tensor = net(batch[0]) - batch[0].square()
        return error.square().mean()

    fit(
        network,
        LoopConfig(
            epochs=6, batch_size=8, learning_rate=0.02, seed=seed, device="cpu", average=average
        ),
        folder,
        identity=f"noisy {seed}",
        batches=batches,
        steps=8,
        loss=loss,
        validate=lambda net: {"score": -loss(net, (x,)).item()},
        score="score",
    )
    return network.state_dict()


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether two states agree to the last bit."""
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_an_interrupted_run_resumes_bit_for_bit(tmp_path: Path, average: float) -> None:
    unbroken = noisy(tmp_path / "unbroken", seed=1, average=average)
    with pytest.raises(KeyboardInterrupt):
        noisy(tmp_path / "broken", seed=1, average=average, interrupted_in=3)
    assert same(noisy(tmp_path / "broken", seed=1, average=average), unbroken)
    assert not same(noisy(tmp_path / "other", seed=2, average=average), unbroken)


def test_a_killed_training_run_resumes_bit_for_bit(tmp_path: Path) -> None:
    # An epoch takes a few tenths of a second; the kill comes milliseconds after the first.
    data = "--train 1000 --validation 100 --test 100 --folder labels"
    data += " --random 0 --first-ply 28 --openings 0 --games 0"
    labelled = run(fourcast_train(f"connect4-label {data}"), tmp_path)
    assert labelled.returncode == 0, labelled.stderr
    options = "--preset smoke --no-publish --loop.epochs 6 --loop.device cpu"
    data = data.replace("--", "--data.")
    broken, unbroken = (
        fourcast_train(f"connect4 {options} {data} --folder {folder}")
        for folder in ("broken", "unbroken")
    )
    checkpoint = tmp_path / "broken" / "checkpoint.pt"

    kill_when(broken, tmp_path, checkpoint.exists)
    reached = torch.load(checkpoint, weights_only=True)["progress"]["epoch"]
    assert 1 <= reached < 6
    assert not (tmp_path / "broken" / "metrics.json").exists()

    resumed, straight = run(broken, tmp_path), run(unbroken, tmp_path)
    assert (resumed.returncode, straight.returncode) == (0, 0), resumed.stderr + straight.stderr
    assert f"after epoch {reached}" in resumed.stderr
    assert "after epoch" not in straight.stderr

    states = [
        torch.load(tmp_path / folder / "checkpoint.pt", weights_only=True)
        for folder in ("broken", "unbroken")
    ]
    assert same(states[0]["network"], states[1]["network"])
    one, other = (state["progress"] for state in states)
    assert same(one.pop("best_weights"), other.pop("best_weights"))
    assert one == other
    assert one["epoch"] == 6
    figures = [
        json.loads((tmp_path / folder / "metrics.json").read_text())
        for folder in ("broken", "unbroken")
    ]
    assert figures[0] == figures[1]
    assert resumed.stdout == straight.stdout
