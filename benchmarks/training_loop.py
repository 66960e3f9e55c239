"""What the training loop costs: `loop.fit` beside a bare torch loop, on the same network and data.

Both train the Connect-4 network on the same positions in the same order, with the same optimiser
and schedule, on one thread, in turns. The bare loop runs twice: the ratio of it to itself is the
control and says how far to trust the other ratio.

    python -m benchmarks.training_loop
"""

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
import tyro
from torch import Tensor, nn

from fourcast_models.connect4 import codec
from fourcast_models.connect4.board import CELLS, COLUMNS
from fourcast_training.connect4.net import build
from fourcast_training.connect4.random_play import random_positions
from fourcast_training.connect4.train import scores_loss
from fourcast_training.loop import Batch, LoopConfig, fit

HEADER = "| loop | ms a step, median | ratio to the bare loop |\n| --- | ---: | ---: |"

TEMPERATURE = 0.5


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Time the training loop beside a bare one."""

    steps: int = 60
    """Steps of one run."""

    rounds: int = 5
    """Runs of each."""

    batch_size: int = 256
    """Positions in a step."""

    channels: int = 48
    """Width of the network."""

    blocks: int = 4
    """Its residual blocks."""

    def __post_init__(self) -> None:
        """Refuse what cannot be timed.

        Raises:
            ValueError: If a number is less than 1; the text names the option.
        """
        for name in ("steps", "rounds", "batch_size", "channels", "blocks"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name.replace('_', '-')} must be at least 1")

    def run(self) -> str:
        """The table."""
        torch.set_num_threads(1)
        data = self._batches()
        config = LoopConfig(epochs=1, batch_size=self.batch_size, weight_decay=0.02, device="cpu")
        runs: dict[str, Callable[[nn.Module], None]] = {
            "bare": lambda network: _bare(network, config, data),
            "fourcast": lambda network: _fit(network, config, data),
            "bare again (control)": lambda network: _bare(network, config, data),
        }
        times: dict[str, list[float]] = {name: [] for name in runs}
        for number in range(-1, self.rounds):
            for name, train in runs.items():
                torch.manual_seed(0)
                network = build("residual", self.channels, self.blocks)
                start = time.process_time()
                train(network)
                if number >= 0:  # the first round finds cold caches
                    times[name].append(1e3 * (time.process_time() - start) / self.steps)
        rows = []
        for name, own in times.items():
            ratios = [one / bare for one, bare in zip(own, times["bare"], strict=True)]
            rows.append(
                f"| {name} | {median(own):.1f} | {median(ratios):.3f} "
                f"({min(ratios):.3f} to {max(ratios):.3f}) |"
            )
        facts = (
            f"{self.steps} steps of {self.batch_size} positions, {self.rounds} rounds, processor "
            f"time of one thread, torch {torch.__version__}."
        )
        return "\n".join([facts, "", HEADER, *rows])

    def _batches(self) -> list[Batch]:
        """Random positions of 20 to 35 stones, with scores by lot: speed does not ask for truth."""
        rng = np.random.default_rng(1)
        size = self.steps * self.batch_size
        wanted = np.zeros(CELLS, np.int64)
        wanted[20:36] = -(-size // 16)
        positions = random_positions(rng, wanted, np.zeros(0, np.int64))
        planes = torch.from_numpy(codec.encode_bits(positions.mover, positions.occupied)[:size])
        scores = torch.from_numpy(rng.integers(-5, 6, (size, COLUMNS)).astype(np.float32))
        parts = (torch.split(tensor, self.batch_size) for tensor in (planes, scores))
        return list(zip(*parts, strict=True))


def _loss(network: nn.Module, batch: Batch) -> Tensor:
    board, scores = batch
    return scores_loss(network(board), scores, TEMPERATURE)


def _bare(network: nn.Module, config: LoopConfig, data: list[Batch]) -> None:
    """As few lines as torch needs for the same."""
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=0.0, weight_decay=config.weight_decay, fused=True
    )
    network.train()
    for step, batch in enumerate(data):
        rate = config.learning_rate * 0.5 * (1 + math.cos(math.pi * step / len(data)))
        optimizer.param_groups[0]["lr"] = rate
        loss = _loss(network, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()


def _fit(network: nn.Module, config: LoopConfig, data: list[Batch]) -> None:
    """The project's loop, its checkpoint and progress bar included."""

    def batches(_: int, __: np.random.Generator, ___: int) -> Iterator[Batch]:
        return iter(data)

    with tempfile.TemporaryDirectory() as folder:
        fit(
            network,
            config,
            Path(folder),
            identity="benchmark",
            batches=batches,
            steps=len(data),
            loss=_loss,
            validate=lambda _: {"score": 0.0},
            score="score",
        )


def main() -> None:
    """Run the benchmark from the command line."""
    print(tyro.cli(Benchmark).run())


if __name__ == "__main__":
    main()
