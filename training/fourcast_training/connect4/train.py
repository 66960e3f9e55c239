"""Train a Connect-4 network on labelled positions, measure it, and publish it."""

import hashlib
import json
import logging
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from fourcast_models.connect4 import codec
from fourcast_models.connect4.board import CELLS
from fourcast_models.connect4.book import ILLEGAL
from fourcast_models.model_config import Batching, ModelConfig
from fourcast_models.repository import WEIGHTS_FILE, default_repository, read_model
from fourcast_training.command_line import read_preset
from fourcast_training.connect4.beginning import beginning
from fourcast_training.connect4.card import Result, read_figures, write_card
from fourcast_training.connect4.data import by_origin, load_or_label
from fourcast_training.connect4.dataset import (
    Dataset,
    joined_datasets,
    read_dataset,
    rest_of_the_book,
)
from fourcast_training.connect4.evaluate import (
    Figures,
    measure,
    measure_by_ply,
    measure_parts,
    table,
)
from fourcast_training.connect4.mistakes import describe_mistakes
from fourcast_training.connect4.net import Heads, ServedNet
from fourcast_training.connect4.position_sets import read_position_sets
from fourcast_training.connect4.practice import practise
from fourcast_training.connect4.presets import PRESETS, PROGRAM, TrainConfig
from fourcast_training.connect4.sampling import (
    FEWEST_OF_A_PLY,
    MOST_REPEATS,
    SURE,
    Mask,
    late,
    sample,
    surely_kept,
)
from fourcast_training.export import Graph, Origin, export, open_onnx, stamp_of, to_onnx
from fourcast_training.files import write_atomically
from fourcast_training.loop import Batch, Progress, choose_device, fit
from fourcast_training.plots import save_curves
from fourcast_training.timing import milliseconds_of_one

log = logging.getLogger(__name__)

OUTCOME_BONUS = 3.0
"""Added to a win's score and taken from a loss's in the policy target, so that a column of a better
outcome stands out from one that is a point better at the same outcome."""

MEASURED = ("test", "validation")
"""The splits that are not trained on."""

METRICS_FILE = "metrics.json"
PRACTICE_FILE = "practice.npz"

MAX_BATCH = 1024
GOLDEN_POSITIONS = 64
CALIBRATION_POSITIONS = 1024


def main(args: list[str]) -> None:
    """``fourcast-train connect4``."""
    config = read_preset(args, PRESETS, PROGRAM)
    if config.evaluate:
        evaluate_published(config)
    else:
        train(config, command=shlex.join(PROGRAM.split() + args))


def train(config: TrainConfig, command: str) -> Result:
    """The whole path: labels, training, evaluation, curves, publication.

    Args:
        config: What to do.
        command: What makes this run again, for the card.
    """
    # All this fails now, not after an hour of labelling.
    choose_device(config.loop.device)
    if not 0 < config.easy_share <= 1:
        raise ValueError(f"--easy-share is {config.easy_share:g}, but must be above 0, at most 1")
    if not config.loop.epochs and not config.begin_with:
        raise ValueError("--loop.epochs 0 publishes an earlier network: name it with --begin-with")
    network = beginning(config)
    splits = [split for split in config.data.sizes if split in MEASURED or config.loop.epochs]
    data = {split: load_or_label(config.data, split) for split in splits}
    parameters = sum(p.numel() for p in network.parameters())
    sizes = ", ".join(f"{split} {len(dataset.mover)}" for split, dataset in data.items())
    log.info("%s: %d parameters; positions: %s", config.preset, parameters, sizes)
    if config.loop.epochs and config.data.openings:
        known = [one.positions.canonical_keys for one in data.values()]
        data["book"] = rest_of_the_book(config.data.first_ply, np.concatenate(known))
    begun = None
    if config.begin_with is not None and config.loop.epochs:
        begun = _graph(network, config, data).content
        data["practice"] = _practice(begun, config, config.begin_with, data)
    progress = Progress()
    if config.loop.epochs:
        training = joined_datasets([one for name, one in data.items() if name not in MEASURED])
        easy = _easy(begun, config, training) if begun else late(training)
        log.info("%d of %d positions are easy", easy.sum(), len(easy))
        progress = _fit(network, config, training, easy, data["validation"])
    # Published or not, the file is measured, not the network that it is made of.
    graph = _graph(network.cpu(), config, data)
    test = data["test"]
    policy = _published_policy(graph.content, test)
    result = Result(
        command=command,
        seeds=(config.data.seed, config.loop.seed),
        begun=config.begin_with,
        parameters=parameters,
        progress=progress,
        mirrors=config.mirror,
        quantised=config.quantised,
        by_origin=measure_parts(policy, test, by_origin(config.data, "test", test)),
        by_ply=measure_by_ply(policy, test),
        mistakes=describe_mistakes(policy, test),
        origins={
            origin: sum(config.data.origins(split)[origin] for split in splits)
            for origin in config.data.origins("test")
        },
        data=data,
        hashes=_hashes(config, data),
    )
    _print_figures(result.by_origin, result.by_ply)
    _write_results(config, result)
    if config.publish:
        _publish(graph, config, result)
    return result


def _practice(
    network: bytes, config: TrainConfig, begun: Path, data: Mapping[str, Dataset]
) -> Dataset:
    """Positions of the network's games, and of those from which the run that it comes from learnt.

    None of them is in a split that the network is measured on.
    """
    measured = [data[split].positions.canonical_keys for split in MEASURED]
    own = practise(
        network,
        config.practice_games,
        config.loop.seed,
        config.folder,
        config.data,
        np.concatenate(measured),
    )
    earlier = begun / PRACTICE_FILE
    practice = joined_datasets([read_dataset(earlier), own] if earlier.exists() else [own])
    log.info("%d positions of its games, %d of them new", len(practice.mover), len(own.mover))
    write_atomically(
        config.folder / PRACTICE_FILE, lambda stream: np.savez_compressed(stream, **vars(practice))
    )
    return practice


def _easy(network: bytes, config: TrainConfig, training: Dataset) -> Mask:
    """What is easy for the network that training begins with; kept, for it takes some minutes."""
    digest = hashlib.sha256(network + f"{training.sha256} {SURE}".encode()).hexdigest()[:12]
    file = config.folder / f"easy-{digest}.npy"
    if not file.exists():
        easy = surely_kept(_published_policy(network, training), training)
        write_atomically(file, lambda stream: np.save(stream, easy))
    kept: Mask = np.load(file, allow_pickle=False)
    return kept


def _hashes(config: TrainConfig, data: Mapping[str, Dataset]) -> dict[str, str]:
    """SHA-256 of what it learnt from and is measured on, also where only an earlier run has it."""
    own = {split: dataset.sha256 for split, dataset in data.items()}
    if config.loop.epochs or not (file := Path(config.begin_with or "") / WEIGHTS_FILE).exists():
        return own
    earlier: dict[str, str] = json.loads(stamp_of(file)["datasets"])
    return earlier | own


def evaluate_published(config: TrainConfig) -> None:
    """Measure the newest version of the published model on the test split and print the table."""
    model = read_model(config.repository or default_repository(), config.name)
    weights = model.weights(model.versions[0])
    test = load_or_label(config.data, "test")
    sets = read_position_sets(config.sets, config.data) if config.sets else {}
    policy = _published_policy(weights, test)
    seen = json.loads(stamp_of(weights)["datasets"])
    print(f"{weights}, labels seed {config.data.seed}, test split sha256 {test.sha256}")
    print(f"the split that its card names: {'yes' if seen['test'] == test.sha256 else 'NO'}")
    one = {codec.BOARD.name: _planes(test)[:1]}
    median, high = milliseconds_of_one(weights, one)
    print(f"{weights.stat().st_size / 1e6:.2f} MB; a position takes {median:.2f} ms of one core in")
    print(f"the median, {high:.2f} ms in 95 of 100 cases")
    parts = by_origin(config.data, "test", test)
    _print_figures(measure_parts(policy, test, parts), measure_by_ply(policy, test))
    print(f"\n{describe_mistakes(policy, test)}")
    if sets:
        rows = {name: measure(_published_policy(weights, one), one) for name, one in sets.items()}
        print(f"\n{table(rows, 'set')}")


def _published_policy(weights: Path | bytes, dataset: Dataset) -> npt.NDArray[np.float32]:
    """What an ONNX file answers for every position, float32 [N, 7]."""
    run = open_onnx(weights)
    chunks = list(_chunks(_planes(dataset)))
    bar = tqdm(chunks, desc="reading positions", delay=2, leave=False, disable=None)
    return np.concatenate([run({codec.BOARD.name: planes})[codec.POLICY.name] for planes in bar])


def _print_figures(by_origin: Mapping[str, Figures], by_ply: Mapping[int, Figures]) -> None:
    print(table(by_origin, "origin"))
    print(f"\n{table({str(ply): row for ply, row in by_ply.items()}, 'stones')}")


def _fit(
    network: nn.Module, config: TrainConfig, training: Dataset, easy: Mask, validation: Dataset
) -> Progress:
    """Train on one split, choosing the epoch by the other."""
    planes = torch.from_numpy(_planes(training))
    scores = torch.from_numpy(training.scores.astype(np.float32))
    plies = training.plies
    length = len(sample(plies, easy, config.easy_share, np.random.default_rng(0)))

    def batches(_: int, generator: np.random.Generator, size: int) -> Iterator[Batch]:
        order = torch.from_numpy(sample(plies, easy, config.easy_share, generator))
        flipped = torch.from_numpy(generator.random(length) < 0.5)
        for chosen, flip in zip(torch.split(order, size), torch.split(flipped, size), strict=True):
            board, score = planes[chosen], scores[chosen]
            if config.mirror:
                board = torch.where(flip[:, None, None, None], board.flip(3), board)
                score = torch.where(flip[:, None], score.flip(1), score)
            yield board, score

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        board, score = batch
        heads: Heads = net(board)
        if config.target == "best_column":
            return functional.cross_entropy(heads.policy, score.argmax(dim=1))
        return scores_loss(heads, score, config.temperature)

    def validate(net: nn.Module) -> dict[str, float]:
        served = ServedNet(net, mirrors=config.mirror)
        return measure(_policy(served, validation), validation).shares()

    identity = json.dumps(
        {
            "architecture": [config.architecture, config.channels, config.blocks],
            "target": [config.target, config.temperature, config.mirror],
            "loop": asdict(config.loop),
            "sampling": [FEWEST_OF_A_PLY, MOST_REPEATS, config.easy_share, int(easy.sum())],
            "data": {"train": training.sha256, "validation": validation.sha256},
        }
    )
    return fit(
        network,
        config.loop,
        config.folder,
        identity=identity,
        batches=batches,
        steps=-(-length // config.loop.batch_size),
        loss=loss,
        validate=validate,
        score="score_optimal",
    )


def scores_loss(heads: Heads, scores: Tensor, temperature: float) -> Tensor:
    """The residual network's loss against exact scores.

    Cross-entropy of the policy with a softmax over the scores (moved apart by OUTCOME_BONUS between
    wins, draws and losses, divided by the temperature), plus cross-entropy of the position's
    outcome, plus that of each legal column's outcome.

    Args:
        heads: Logits.
        scores: Exact scores float32 [N, 7], ILLEGAL where full.
        temperature: Positive.
    """
    assert heads.value is not None
    assert heads.outcomes is not None
    legal = scores != ILLEGAL
    target = torch.softmax(
        ((scores + OUTCOME_BONUS * scores.sign()) / temperature).masked_fill(~legal, -torch.inf), 1
    )
    policy = functional.cross_entropy(heads.policy.masked_fill(~legal, -1e9), target)
    best = scores.masked_fill(~legal, -CELLS).max(dim=1).values
    value = functional.cross_entropy(heads.value, _outcome(best))
    outcomes = functional.cross_entropy(heads.outcomes[legal], _outcome(scores[legal]))
    return policy + value + outcomes


def _outcome(scores: Tensor) -> Tensor:
    """The class of each score: 0 win, 1 draw, 2 loss."""
    return 1 - scores.sign().long()


def _planes(dataset: Dataset) -> npt.NDArray[np.uint8]:
    return codec.encode_bits(dataset.mover, dataset.occupied)


def _chunks(planes: npt.NDArray[np.uint8]) -> Iterator[npt.NDArray[np.uint8]]:
    for start in range(0, len(planes), MAX_BATCH):
        yield planes[start : start + MAX_BATCH]


@torch.inference_mode()
def _policy(served: ServedNet, dataset: Dataset) -> npt.NDArray[np.float32]:
    """The policy of a network in evaluation mode, float32 [N, 7]."""
    device = next(served.parameters()).device
    outputs = [
        served(torch.from_numpy(planes).to(device))[0] for planes in _chunks(_planes(dataset))
    ]
    return torch.cat(outputs).cpu().numpy()


def _write_results(config: TrainConfig, result: Result) -> None:
    """The figures for other cards, and the curves to look at."""
    epochs = f"{result.progress.epoch} epochs"
    if result.progress.epoch < config.loop.epochs:
        epochs += f" (stopped early, of {config.loop.epochs})"
    name = f"preset `{config.preset}`, {result.parameters:,} parameters, {epochs}"
    text = json.dumps({"name": name, "figures": asdict(result.by_origin["all"])}, indent=2) + "\n"
    write_atomically(config.folder / METRICS_FILE, lambda stream: stream.write(text.encode()))
    if not result.progress.epoch:
        return
    curves = config.folder / "curves.png"
    shares = tuple(result.by_origin["all"].shares())
    save_curves(result.progress, shares, f"connect4, preset {config.preset}", curves)
    log.info("curves: %s", curves)


def _graph(network: nn.Module, config: TrainConfig, data: Mapping[str, Dataset]) -> Graph:
    """The network as it is published."""
    has_value = config.architecture == "residual"
    model = ModelConfig(
        name=config.name,
        inputs=(codec.BOARD,),
        outputs=(codec.POLICY, codec.VALUE) if has_value else (codec.POLICY,),
        max_batch_size=MAX_BATCH,
        batching=Batching(),
        parameters={"codec_version": str(codec.CODEC_VERSION)},
    )
    name = codec.BOARD.name
    usual = data["train"] if "train" in data else data["validation"]
    calibration = {name: _planes(usual)[:CALIBRATION_POSITIONS]}
    return to_onnx(
        ServedNet(network.eval(), mirrors=config.mirror).eval(),
        model,
        {name: _planes(data["test"])[:GOLDEN_POSITIONS]},
        # Integers need the ranges of the network's activations.
        calibration if config.quantised else None,
    )


def _publish(graph: Graph, config: TrainConfig, result: Result) -> None:
    files = [folder / METRICS_FILE for folder in config.beside]
    for file in files:
        if not file.exists():
            log.warning("the card goes without the figures of %s, which is not there", file)
    beside = dict(read_figures(file) for file in files if file.exists())
    export(
        graph,
        origin=Origin(
            codec_version=codec.CODEC_VERSION,
            datasets=dict(result.hashes),
            metrics=result.by_origin["all"].shares(),
            command=result.command,
        ),
        card=lambda version: write_card(config.name, version, result, beside),
        repository=config.repository or default_repository(),
    )
