"""Train a network that names doodles, measure it, and publish it."""

import copy
import json
import logging
import os
import shlex
import zlib
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from fourcast_models.doodle import codec
from fourcast_models.model_config import Arrays, Batching, ModelConfig, TensorSpec
from fourcast_models.repository import WEIGHTS_FILE, default_repository, read_model
from fourcast_training.blending import blend
from fourcast_training.command_line import read_preset
from fourcast_training.doodle.augment import NOTHING, EpochPictures, Picture
from fourcast_training.doodle.card import Result, write_card
from fourcast_training.doodle.data import load
from fourcast_training.doodle.drawings import Drawings, concatenated
from fourcast_training.doodle.evaluate import measure
from fourcast_training.doodle.imaged import imaged
from fourcast_training.doodle.net import DoodleNet, ServedNet, fit_temperature, folded
from fourcast_training.doodle.presets import PRESETS, PROGRAM, TrainConfig
from fourcast_training.doodle.published import read_network
from fourcast_training.doodle.report import METRICS_FILE, Report, evaluate
from fourcast_training.doodle.robustness import Guesser, pictures_of
from fourcast_training.doodle.teacher import read_teacher, taught_loss
from fourcast_training.export import Graph, Origin, export, open_onnx, stamp_of, to_onnx
from fourcast_training.files import write_atomically
from fourcast_training.loop import Batch, Progress, best_weights, choose_device, fit
from fourcast_training.plots import save_curves
from fourcast_training.timing import milliseconds_of_one

log = logging.getLogger(__name__)

MAX_BATCH = 256
GOLDEN_PICTURES = 32
CALIBRATION_PICTURES = 690
BLENDING_PICTURES = 2070


def main(args: list[str]) -> None:
    """``fourcast-train doodle``."""
    config = read_preset(args, PRESETS, PROGRAM)
    if config.evaluate:
        evaluate_published(config)
    else:
        train(config, command=shlex.join(PROGRAM.split() + args))


def train(config: TrainConfig, command: str) -> Result:
    """The whole path: drawings, training, evaluation, pictures, publication.

    Args:
        config: What to do.
        command: What makes this run again, for the card.
    """
    choose_device(config.loop.device)  # fails now, not after the drawings are read
    if not config.loop.epochs and not config.begin_with:
        raise ValueError("--loop.epochs 0 publishes an earlier network: name it with --begin-with")
    if not 0 <= config.blend <= 1:
        raise ValueError(f"--blend is {config.blend:g}, but must be 0 to 1")
    if config.blend < 1 and not config.begin_with:
        raise ValueError(f"--blend {config.blend:g} needs --begin-with: what to blend with")
    if config.imaged and config.picture != "bitmap":
        raise ValueError("--imaged: only networks that read bitmaps can see images")
    if config.augment.thick and config.picture != "bitmap":
        raise ValueError("--augment.thick: only bitmaps can look like images of a thick pen")
    jobs = drawing_jobs(config.jobs)
    data = _drawings(config, jobs)
    torch.manual_seed(config.loop.seed)
    network = DoodleNet(
        config.picture, config.stem, config.widths, config.blocks, dropout=config.dropout
    )
    if config.begin_with:
        _begin_with(network, config, data["train"])
    parameters = sum(p.numel() for p in network.parameters())
    log.info(
        "%s: %d parameters, %d drawings, %d pictures an epoch",
        config.preset,
        parameters,
        len(data["train"]),
        config.per_class * len(np.unique(data["train"].labels)),
    )
    before = copy.deepcopy(network.state_dict())
    progress = _fit(network, config, data, jobs) if config.loop.epochs else Progress()
    network.cpu()
    if config.begin_with and config.blend < 1:
        pictures = _sample(config, data["train"], BLENDING_PICTURES)[_spec(config.picture).name]
        blend(network, before, config.blend, torch.from_numpy(pictures))
    served = _calibrated(folded(network), config, data["validation"])
    # Published or not, the file is measured, not the network that it is made of.
    graph = _graph(served, config, data)
    result = Result(
        command=command,
        config=config,
        parameters=parameters,
        temperature=float(served.temperature),
        progress=progress,
        report=evaluate(_guesses(graph.content, config.picture), config, data, jobs),
        data=data,
    )
    print(result.report.text())
    _write_results(config, result)
    if config.publish:
        _publish(graph, config, result)
    return result


def evaluate_published(config: TrainConfig) -> Report:
    """Measure the newest version of the published model on the test split and print everything."""
    model = read_model(config.repository or default_repository(), config.name)
    weights = model.weights(model.versions[0])
    jobs = drawing_jobs(config.jobs)
    data = _drawings(config, jobs)
    test = data["test"]
    stamp = stamp_of(weights)
    seen = json.loads(stamp["datasets"])
    print(f"{weights}, {weights.stat().st_size / 1e6:.2f} MB, made by: {stamp['command']}")
    print(f"split seed {config.data.seed}, test split sha256 {test.sha256}")
    print(f"the split that its card names: {'yes' if seen['test'] == test.sha256 else 'NO'}")
    report = evaluate(_guesses(weights, config.picture), config, data, jobs)
    one = pictures_of(test.select(np.array([0])), config.picture)
    spec = _spec(config.picture)
    report = replace(report, milliseconds=milliseconds_of_one(weights, {spec.name: one}))
    print(report.text())
    return report


def _drawings(config: TrainConfig, jobs: int) -> dict[str, Drawings]:
    """The splits; for rasters only drawings with strokes."""
    data = load(config.data, max(jobs, 1))
    if config.picture == "bitmap":
        return data
    return {name: part.select(np.flatnonzero(part.has_strokes)) for name, part in data.items()}


def _begin_with(network: DoodleNet, config: TrainConfig, training: Drawings) -> None:
    """Give the network the weights of another run or of a published file; it may be smaller."""
    assert config.begin_with
    file = config.begin_with / WEIGHTS_FILE
    try:
        if file.exists():
            pictures = _sample(config, training, CALIBRATION_PICTURES)[_spec(config.picture).name]
            network.grow_from(read_network(file, pictures).state_dict())
        else:
            network.grow_from(best_weights(config.begin_with))
    except RuntimeError as error:
        reason = f"--begin-with {config.begin_with}: a network of another kind or size:\n{error}"
        raise ValueError(reason) from None


def drawing_jobs(jobs: int) -> int:
    """How many processes draw, for the option of that name."""
    return max(1, (os.cpu_count() or 2) - 1) if jobs < 0 else jobs


def _fit(network: DoodleNet, config: TrainConfig, data: dict[str, Drawings], jobs: int) -> Progress:
    """Train on one split, choosing the epoch by the other."""
    device = choose_device(config.loop.device)
    training = data["train"]
    if config.imaged:
        images = imaged(
            training, config.imaged, config.folder, seed=config.loop.seed, jobs=max(jobs, 1)
        )
        training = concatenated([training, images])
    repository = config.repository or default_repository()
    teacher = read_teacher(repository, config.teacher) if config.teacher else None
    pictures = EpochPictures(
        training,
        config.picture,
        config.augment,
        per_class=config.per_class,
        reuse=config.reuse,
        seed=pictures_seed(config),
        jobs=jobs,
        teacher=teacher,
    )
    seen = torch.from_numpy(pictures_of(data["validation"], config.picture))
    labels = data["validation"].labels

    def batches(epoch: int, generator: np.random.Generator, size: int) -> Iterator[Batch]:
        images, *targets = (torch.from_numpy(array).to(device) for array in pictures.epoch(epoch))
        order = torch.from_numpy(generator.permutation(len(images))).to(device)
        flipped = torch.from_numpy(generator.random(len(images)) < 0.5).to(device)
        for chosen in order[: len(order) // size * size].view(-1, size):
            batch = images[chosen]
            flip = flipped[chosen].view(-1, *[1] * (batch.dim() - 1))
            mirrored = torch.where(flip, batch.flip(-1), batch)
            yield mirrored, *(target[chosen] for target in targets)

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        images, labels, *taught = batch
        logits = net(images).float()
        each = smoothed_loss(logits, labels, config.label_smoothing)
        if taught:
            each = taught_loss(logits, each, taught[0], config.teacher_share)
        return each.mean()

    def validate(net: nn.Module) -> dict[str, float]:
        logits = torch.cat([net(part.to(device)).float() for part in torch.split(seen, MAX_BATCH)])
        figures = measure(torch.softmax(logits, dim=1).cpu().numpy(), labels)
        return {"validation_loss": figures.loss, "top1": figures.top1, "top3": figures.top3}

    identity = json.dumps(
        {
            "network": [config.picture, config.stem, config.widths, config.blocks, config.dropout]
            + ([str(config.begin_with)] if config.begin_with else []),
            "targets": [config.label_smoothing, config.per_class, config.reuse],
            "teacher": [teacher.sha256, config.teacher_share] if teacher else None,
            "augment": asdict(config.augment),
            "loop": asdict(config.loop),
            "data": {"train": training.sha256, "validation": data["validation"].sha256},
        }
    )
    try:
        return fit(
            network,
            config.loop,
            config.folder,
            identity=identity,
            batches=batches,
            steps=len(pictures) // config.loop.batch_size,
            loss=loss,
            validate=validate,
            score="top1",
        )
    finally:
        pictures.close()


def pictures_seed(config: TrainConfig) -> int:
    """Of the pictures: a run that goes on from another must not show what that one has shown."""
    return zlib.crc32(f"{config.loop.seed} {config.begin_with}".encode())


def smoothed_loss(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy with smoothed targets (Szegedy et al., 2016), uniform ones for scribbles.

    Args:
        logits: Float32 [N, 345].
        labels: Int64 [N]; NOTHING where every category is as probable.
        smoothing: Share of the target that is spread over all categories.

    Returns:
        Float32 [N].
    """
    logs = torch.log_softmax(logits, dim=1)
    is_nothing = labels == NOTHING
    right = logs.gather(1, labels.clamp(min=0)[:, None])[:, 0]
    spread = torch.where(is_nothing, 1.0, smoothing)
    return -((1 - spread) * right + spread * logs.mean(dim=1))


def _calibrated(network: nn.Module, config: TrainConfig, validation: Drawings) -> ServedNet:
    """The network as it is served, its temperature fitted on the validation split."""
    served = ServedNet(network, 1.0, config.views).eval()
    pictures = torch.from_numpy(pictures_of(validation, config.picture))
    with torch.inference_mode():
        logits = torch.cat([served.logits(part) for part in torch.split(pictures, MAX_BATCH)])
        temperature = fit_temperature(logits, torch.from_numpy(validation.labels))
    log.info("temperature %.3f", temperature)
    return ServedNet(network, temperature, config.views).eval()


def _graph(served: ServedNet, config: TrainConfig, data: dict[str, Drawings]) -> Graph:
    """The network as it is published."""
    model = ModelConfig(
        name=config.name,
        inputs=(_spec(config.picture),),
        outputs=(codec.PROBABILITIES,),
        max_batch_size=MAX_BATCH,
        batching=Batching(),
        parameters={"codec_version": str(codec.CODEC_VERSION)},
    )
    # Integers need the ranges of the network's activations.
    calibration = _sample(config, data["train"], CALIBRATION_PICTURES) if config.quantised else None
    return to_onnx(served, model, _sample(config, data["test"], GOLDEN_PICTURES), calibration)


def _guesses(weights: Path | bytes, picture: Picture) -> Guesser:
    """Probabilities by an ONNX file."""
    run = open_onnx(weights)
    spec = _spec(picture)

    def guess(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        starts = range(0, len(pictures), MAX_BATCH)
        parts = [run({spec.name: pictures[start : start + MAX_BATCH]}) for start in starts]
        return np.concatenate([part[codec.PROBABILITIES.name] for part in parts])

    return guess


def _write_results(config: TrainConfig, result: Result) -> None:
    """The figures for other cards, and the curves to look at."""
    training = result.data["train"]
    content = {
        "name": f"preset `{config.preset}`, {result.parameters:,} parameters, "
        f"{result.progress.epoch} epochs",
        "drawings": len(training) / len(np.unique(training.labels)),
        "figures": asdict(result.report.figures),
    }
    text = json.dumps(content, indent=2) + "\n"
    write_atomically(config.folder / METRICS_FILE, lambda stream: stream.write(text.encode()))
    if not result.progress.epoch:
        return
    curves = config.folder / "curves.png"
    save_curves(result.progress, ("top1", "top3"), f"{config.name}, preset {config.preset}", curves)
    log.info("curves: %s", curves)


def _publish(graph: Graph, config: TrainConfig, result: Result) -> None:
    export(
        graph,
        origin=Origin(
            codec_version=codec.CODEC_VERSION,
            datasets={name: drawings.sha256 for name, drawings in result.data.items()},
            metrics=result.report.figures.metrics(),
            command=result.command,
        ),
        card=lambda version: write_card(version, result),
        repository=config.repository or default_repository(),
    )


def _spec(picture: Picture) -> TensorSpec:
    return codec.BITMAP if picture == "bitmap" else codec.RASTER


def _sample(config: TrainConfig, drawings: Drawings, count: int) -> Arrays:
    """Some drawings from all categories, as inputs of the network."""
    chosen = np.linspace(0, len(drawings) - 1, count, dtype=np.int64)
    return {_spec(config.picture).name: pictures_of(drawings.select(chosen), config.picture)}
