"""The training loop, the only one: seed, device, precision, epochs, averages, checkpoint, progress.

What differs between models comes in as functions: the batches of an epoch, the loss of a batch and
the metrics on validation data. All randomness of an epoch follows from the seed and the epoch's
number, so a run that was killed and resumed ends with the same weights as an unbroken one.
"""

import copy
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from fourcast_training.files import write_atomically
from fourcast_training.muon import Muon

log = logging.getLogger(__name__)

Batch = tuple[Tensor, ...]

_CHECK_INTERVAL = 64
"""Steps from one look at the loss to the next."""


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast to train."""

    epochs: int = 40
    """Passes over the training data at most."""

    batch_size: int = 256
    """Samples in a step."""

    learning_rate: float = 3e-3
    """Of the optimiser; the highest one if the schedule changes it."""

    schedule: Literal["constant", "cosine"] = "cosine"
    """`cosine` warms up for a twentieth of the run and falls to 0 over the rest of it."""

    optimizer: Literal["adam", "adamw", "muon"] = "adamw"
    """Adam, Adam with decoupled weight decay, or Muon for the kernels of convolutions and AdamW for
    all other weights."""

    weight_decay: float = 0.0
    """Of adamw and muon; adam has none."""

    average: float = 0.0
    """Decay of the moving average of the weights: each step moves it towards the weights by 1 minus
    this. What is validated and kept is the average. 0 keeps the weights themselves."""

    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    """Of the products in training; weights and sums stay float32. `auto` takes bfloat16 where the
    processor has instructions for it, which is about twice as fast there."""

    compile: Literal["auto", "yes", "no"] = "auto"
    """Whether torch compiles the network for training, which takes a minute or two first. `auto`
    does on a GPU; on processors it was no faster."""

    patience: int | None = None
    """Stop after this many epochs without a better validation score; None never stops early."""

    seed: int = 0
    """Of the weights, the order of the samples and everything else random in training."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes a GPU if there is one."""


@dataclass
class Progress:
    """Where a run stands, and all that it has measured.

    Attributes:
        epoch: Epochs done.
        history: The metrics of each epoch; `loss` is the mean training loss.
        best_epoch: The epoch (from 1) with the highest validation score so far, 0 before any.
        best_score: That score.
        best_weights: The network's state after it.
    """

    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_score: float = -math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)


def fit(
    network: nn.Module,
    config: LoopConfig,
    folder: Path,
    *,
    identity: str,
    batches: Callable[[int, np.random.Generator, int], Iterator[Batch]],
    steps: int,
    loss: Callable[[nn.Module, Batch], Tensor],
    validate: Callable[[nn.Module], dict[str, float]],
    score: str,
) -> Progress:
    """Train, and leave the weights of the best epoch in ``network``.

    Args:
        network: Trained in place.
        config: How long and how fast.
        folder: Keeps ``checkpoint.pt``, written after every epoch; a run continues from it.
        identity: All that the result depends on, as text; a checkpoint of another run is refused.
        batches: The batches of one epoch, given its number (from 0), its random generator and the
            batch size.
        steps: How many batches an epoch has.
        loss: The loss of a batch that lies on the network's device.
        validate: Metrics of a network in evaluation mode.
        score: The metric of ``validate`` that chooses the best epoch; higher is better.

    Raises:
        RuntimeError: If the loss is not finite, or ``cuda`` is asked for and not there.
        ValueError: If the folder holds the checkpoint of another run.
    """
    device = choose_device(config.device)
    network.to(device)
    precision = choose_precision(config.precision, device)
    log.info("training on %s in %s", device, str(precision).removeprefix("torch."))
    is_compiled = config.compile == "yes" or (config.compile == "auto" and device.type == "cuda")
    # Shares its weights with the network.
    trained = cast(nn.Module, torch.compile(network)) if is_compiled else network
    average = copy.deepcopy(network) if config.average else network
    optimizers = _optimizers(network, config)
    checkpoint = folder / "checkpoint.pt"
    state = _State(identity, network, average, optimizers)
    progress = _resume(checkpoint, state, device)
    while progress.epoch < config.epochs and not _is_patience_over(progress, config):
        epoch = progress.epoch
        torch.manual_seed(config.seed * 1_000_003 + epoch)
        generator = np.random.default_rng([config.seed, epoch])
        network.train()
        total = torch.zeros((), dtype=torch.float64, device=device)
        bar = tqdm(
            batches(epoch, generator, config.batch_size),
            total=steps,
            desc=f"epoch {epoch + 1}/{config.epochs}",
            leave=False,
            unit="step",
            disable=None,
        )
        for step, batch in enumerate(bar):
            done = (epoch + step / steps) / config.epochs
            for group in (group for optimizer in optimizers for group in optimizer.param_groups):
                group["lr"] = config.learning_rate * _schedule(config.schedule, done)
            moved = tuple(tensor.to(device, non_blocking=True) for tensor in batch)
            with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                value = loss(trained, moved)
            for optimizer in optimizers:
                optimizer.zero_grad(set_to_none=True)
            value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            for optimizer in optimizers:
                optimizer.step()
            if average is not network:
                _move_average(average, network, config.average, epoch * steps + step)
            total += value.detach()
            # Seldom: to read a number back makes a GPU wait.
            if step % _CHECK_INTERVAL == 0:
                _check_finite(total, epoch)
        _check_finite(total, epoch)
        average.eval()
        with torch.inference_mode():
            metrics = {"loss": total.item() / steps} | validate(average)
        progress.history.append(metrics)
        progress.epoch += 1
        if metrics[score] > progress.best_score:
            progress.best_epoch, progress.best_score = progress.epoch, metrics[score]
            progress.best_weights = {
                k: v.detach().cpu().clone() for k, v in average.state_dict().items()
            }
        _save(checkpoint, state, progress)
        shown = "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        log.info("epoch %d/%d  %s", progress.epoch, config.epochs, shown)
    network.load_state_dict(progress.best_weights)
    network.eval()
    return progress


def best_weights(folder: Path) -> dict[str, Tensor]:
    """The weights of a run's best epoch, on the CPU.

    Args:
        folder: That `fit` was given.

    Raises:
        ValueError: If there is no checkpoint in it.
    """
    file = folder / "checkpoint.pt"
    if not file.exists():
        raise ValueError(f"{file} is not there: name the folder of a run that has begun")
    content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    weights: dict[str, Tensor] = content["progress"]["best_weights"]
    return weights


def choose_precision(precision: str, device: torch.device) -> torch.dtype:
    """The type of the products in training for "float32", "bfloat16" or "auto"."""
    if precision == "auto":
        # torch has no public question for a processor's instructions.
        has_bfloat16 = (
            torch.cuda.is_bf16_supported(including_emulation=False)
            if device.type == "cuda"
            else torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        )
        precision = "bfloat16" if has_bfloat16 else "float32"
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def choose_device(device: str) -> torch.device:
    """The torch device for "auto", "cpu" or "cuda".

    Raises:
        RuntimeError: If ``cuda`` is asked for and torch finds none.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("--device cuda: torch finds no GPU; use --device cpu or auto")
    return torch.device(device)


def _optimizers(network: nn.Module, config: LoopConfig) -> list[torch.optim.Optimizer]:
    parameters = list(network.parameters())
    if config.optimizer == "adam":
        return [torch.optim.Adam(parameters, lr=config.learning_rate)]
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer == "adamw":
        return [torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=True)]
    kernels = [one for one in parameters if one.ndim == 4]
    others = [one for one in parameters if one.ndim != 4]
    return [
        torch.optim.AdamW(others, lr=rate, weight_decay=decay, fused=True),
        Muon(kernels, lr=rate, weight_decay=decay),
    ]


def _schedule(name: str, done: float) -> float:
    """The factor on the learning rate after this share of the run, 0 to 1."""
    if name == "constant":
        return 1.0
    warm_up = 0.05
    if done < warm_up:
        return (done + 0.001) / (warm_up + 0.001)
    return 0.5 * (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up)))


def _is_patience_over(progress: Progress, config: LoopConfig) -> bool:
    return config.patience is not None and progress.epoch - progress.best_epoch >= config.patience


@torch.no_grad()
def _move_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move the average towards the weights; faster in the first steps, when they say little."""
    share = 1 - min(decay, (1 + step) / (10 + step))
    own, other = average.state_dict(), network.state_dict()
    floats = [name for name, tensor in own.items() if tensor.is_floating_point()]
    torch._foreach_lerp_([own[name] for name in floats], [other[name] for name in floats], share)


def _check_finite(total: Tensor, epoch: int) -> None:
    if not torch.isfinite(total):
        raise RuntimeError(f"the loss is {total.item()} in epoch {epoch + 1}: try a lower rate")


@dataclass(frozen=True)
class _State:
    """What a checkpoint keeps besides the progress; `average` may be the network itself."""

    identity: str
    network: nn.Module
    average: nn.Module
    optimizers: Sequence[torch.optim.Optimizer]


def _save(file: Path, state: _State, progress: Progress) -> None:
    content = {
        "identity": state.identity,
        "network": state.network.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in state.optimizers],
        "progress": vars(progress),
    }
    if state.average is not state.network:
        content["average"] = state.average.state_dict()
    write_atomically(file, lambda stream: torch.save(content, stream))


def _resume(file: Path, state: _State, device: torch.device) -> Progress:
    if not file.exists():
        return Progress()
    content: dict[str, Any] = torch.load(file, map_location=device, weights_only=True)
    if content["identity"] != state.identity:
        raise ValueError(
            f"{file} belongs to another run. It was made with\n  {content['identity']}\nnot with\n"
            f"  {state.identity}\nDelete it, or name another folder with --folder"
        )
    state.network.load_state_dict(content["network"])
    for optimizer, saved in zip(state.optimizers, content["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    if state.average is not state.network:
        state.average.load_state_dict(content["average"])
    progress = Progress(**content["progress"])
    log.info("continuing %s after epoch %d", file, progress.epoch)
    return progress
