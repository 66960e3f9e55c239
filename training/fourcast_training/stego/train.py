"""Train networks that hide text in pictures, measure them, and publish them."""

import json
import logging
import shlex
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fourcast_models.model_config import Arrays, Batching, ModelConfig, TensorSpec
from fourcast_models.repository import default_repository, read_model
from fourcast_models.stego import hide
from fourcast_models.stego.codec import (
    CODEC_VERSION,
    IMAGE,
    STEGO,
    STRENGTH,
    Profile,
)
from fourcast_models.stego.comparison import side_by_side
from fourcast_models.stego.hide import Networks
from fourcast_models.stego.pictures import Picture, write_png
from fourcast_training.command_line import read_preset
from fourcast_training.export import Origin, export, open_onnx, stamp_of, to_onnx
from fourcast_training.files import write_atomically
from fourcast_training.loop import Batch, Progress, choose_device, fit
from fourcast_training.plots import save_curves
from fourcast_training.stego import slides
from fourcast_training.stego.card import METRICS_FILE, Result, write_card
from fourcast_training.stego.data import Split, crops, load
from fourcast_training.stego.evaluate import Report, evaluate, full_text
from fourcast_training.stego.net import Pair, ServedDecoder, ServedEncoder
from fourcast_training.stego.noise import disturb, jpeg, rounded
from fourcast_training.stego.presets import PRESETS, PROGRAM, TrainConfig

log = logging.getLogger(__name__)

MAX_BATCH = 64
GOLDEN_TILES = 4
_SHOWN = 3
"""Pictures in comparison.png."""

_VALIDATION_TILES = 128


def main(args: list[str]) -> None:
    """``fourcast-train stego``."""
    config = read_preset(args, PRESETS, PROGRAM)
    if config.preset == "slides":
        train_slides(config)
    elif config.evaluate:
        evaluate_published(config)
    else:
        train(config, command=shlex.join(PROGRAM.split() + args))


def train(config: TrainConfig, command: str) -> Result:
    """The whole path: pictures, training, evaluation, charts, publication.

    Args:
        config: What to do.
        command: What makes this run again, for the card.
    """
    choose_device(config.loop.device)  # fails now, not after the pictures are read
    data = load(config.data)
    torch.manual_seed(config.loop.seed)
    pair = Pair(config.rules, config.lattice)
    parameters = sum(p.numel() for p in pair.parameters())
    log.info(
        "%s: %d parameters, %d pictures to train on",
        config.preset,
        parameters,
        len(data["train"].pictures),
    )
    progress = _fit(pair, config, data) if config.trained else None
    networks = torch_networks(pair.cpu().eval())
    result = Result(
        command=command,
        config=config,
        parameters=parameters,
        progress=progress,
        report=evaluate(networks, config.rules, data["test"], config.pictures),
        data=data,
    )
    print(result.report.text())
    _write_charts(config, networks, result)
    if config.publish:
        _publish(pair, config, result)
    return result


def evaluate_published(config: TrainConfig) -> Report:
    """Measure the newest versions of the published pair on the test split and print everything."""
    repository = config.repository or default_repository()
    files = []
    for name in (config.rules.encoder, config.rules.decoder):
        model = read_model(repository, name)
        files.append(model.weights(model.versions[0]))
    data = load(config.data)
    test = data["test"]
    for file in files:
        stamp = stamp_of(file)
        print(f"{file}, {file.stat().st_size / 1e6:.2f} MB, made by: {stamp['command']}")
        is_same = json.loads(stamp["datasets"])["test"] == test.sha256
        print(f"the split that its card names: {'yes' if is_same else 'NO'}")
    report = evaluate(onnx_networks(*files), config.rules, test, config.pictures)
    print(report.text())
    print(report.time() + " onnxruntime, one thread, this machine.")
    return report


def train_slides(config: TrainConfig) -> slides.SlidesFigures:
    """Train and measure the course's own autoencoder; nothing is published."""
    data = load(config.data)
    torch.manual_seed(config.loop.seed)
    network = slides.SlidesNet()
    device = choose_device(config.loop.device)

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        assert isinstance(net, slides.SlidesNet)
        return slides.loss(net, *batch)

    def batches(_: int, generator: np.random.Generator, size: int) -> Iterator[Batch]:
        for tiles in crops(data["train"], generator, size, config.steps):
            yield torch.from_numpy(tiles), _letters(tiles, generator)

    validation = _tiles(data["validation"], config)
    text = _letters(validation, np.random.default_rng(config.data.seed))

    def validate(net: nn.Module) -> dict[str, float]:
        assert isinstance(net, slides.SlidesNet)
        figures = slides.measure(net, torch.from_numpy(validation).to(device), text.to(device))
        return {"psnr": figures.psnr, "characters": figures.characters}

    progress = fit(
        network,
        config.loop,
        config.folder,
        identity=_identity(config, data),
        batches=batches,
        steps=config.steps,
        loss=loss,
        validate=validate,
        score="characters",
    )
    network.cpu()
    pictures = np.stack([p[:256, :256] for p in data["test"].pictures if min(p.shape[:2]) >= 256])
    text = _letters(pictures, np.random.default_rng(config.data.seed))
    figures = slides.measure(network, torch.from_numpy(pictures), text)
    print(
        f"{len(pictures)} pictures: {figures.characters:.2%} of the characters and "
        f"{figures.texts:.1%} of the texts of 256 characters came back, at {figures.psnr:.2f} dB"
    )
    _write_json(config.folder / METRICS_FILE, asdict(figures))
    save_curves(progress, ("characters",), "preset slides", config.folder / "curves.png")
    return figures


def torch_networks(pair: Pair) -> Networks:
    """The pair as functions of arrays."""

    @torch.inference_mode()
    def run(
        network: nn.Module, *arrays: np.typing.NDArray[np.generic]
    ) -> np.typing.NDArray[np.float32]:
        # A copy, because torch refuses arrays that must not be written.
        (answer,) = network(*(torch.tensor(array) for array in arrays))
        return np.asarray(answer)

    encoder, decoder = ServedEncoder(pair.encoder), ServedDecoder(pair.decoder)
    return Networks(
        encode=lambda image, message, strength: run(encoder, image, message, strength),
        decode=lambda image: run(decoder, image),
    )


def onnx_networks(encoder: Path, decoder: Path) -> Networks:
    """Two published files as functions of arrays, each call on one thread."""
    encode, decode = open_onnx(encoder, threads=1), open_onnx(decoder, threads=1)
    return Networks(
        encode=lambda image, message, strength: encode(
            {IMAGE.name: image, "message": message, STRENGTH.name: strength}
        )[STEGO.name],
        decode=lambda image: decode({IMAGE.name: image})["probabilities"],
    )


def visible(stego: Tensor, cover: Tensor, psnr: float) -> Tensor:
    """How far the squared error is above that of a PSNR, relative to it; 0 below (a hinge).

    Args:
        stego: Float32 of 0 to 255.
        cover: Of the same shape.
        psnr: In dB.
    """
    bound = 255**2 / 10 ** (psnr / 10)
    return functional.relu((stego - cover).square().mean() / bound - 1)


def _fit(pair: Pair, config: TrainConfig, data: dict[str, Split]) -> Progress:
    profile = config.rules
    device = choose_device(config.loop.device)

    def loss(net: nn.Module, batch: Batch) -> Tensor:
        assert isinstance(net, Pair)
        tiles, bits = batch
        stego = _stego(net, tiles, bits)
        received = disturb(stego.permute(0, 3, 1, 2), config.noise).permute(0, 2, 3, 1)
        logits = net.decoder(received)
        unread = functional.binary_cross_entropy_with_logits(logits, bits.float())
        return unread + config.visibility * visible(stego, tiles.float(), config.psnr)

    def batches(_: int, generator: np.random.Generator, size: int) -> Iterator[Batch]:
        for tiles in crops(data["train"], generator, size, config.steps):
            yield torch.from_numpy(tiles), _bits(profile, len(tiles), generator)

    tiles = torch.from_numpy(_tiles(data["validation"], config)).to(device)
    bits = _bits(profile, len(tiles), np.random.default_rng(config.data.seed)).to(device)

    def validate(net: nn.Module) -> dict[str, float]:
        assert isinstance(net, Pair)
        stego = _stego(net, tiles, bits)
        planes = stego.permute(0, 3, 1, 2)
        received = {"errors_png": planes}
        if config.noise.jpeg:
            received["errors_jpeg"] = rounded(jpeg(planes, 50, halved_colour=True).clamp(0, 255))
            generator = torch.Generator(device).manual_seed(config.data.seed)
            noise = torch.randn(planes.shape, generator=generator, device=device)
            received["errors_noise"] = rounded((planes + 4.5 * noise).clamp(0, 255))
        figures = {
            name: float(((net.decoder(seen.permute(0, 2, 3, 1)) > 0) != (bits > 0)).float().mean())
            for name, seen in received.items()
        }
        psnr = -10 * float(((stego - tiles.float()) / 255).square().mean().log10())
        # A decibel below the aim weighs as much as two bits of a hundred.
        score = -sum(figures.values()) / len(figures) - 0.02 * max(0.0, config.psnr - psnr)
        return {"psnr": psnr, **figures, "score": score}

    return fit(
        pair,
        config.loop,
        config.folder,
        identity=_identity(config, data),
        batches=batches,
        steps=config.steps,
        loss=loss,
        validate=validate,
        score="score",
    )


def _stego(pair: Pair, tiles: Tensor, bits: Tensor) -> Tensor:
    """The tiles with their bits as a file would hold them: float32 [N, 64, 64, 3] of 0 to 255."""
    strength = torch.ones((len(tiles), *STRENGTH.dims), device=tiles.device)
    stego: Tensor = pair.encoder(tiles, bits, strength) * 255
    return rounded(stego.clamp(0, 255))


def _tiles(split: Split, config: TrainConfig) -> np.typing.NDArray[np.uint8]:
    """The same tiles in every epoch."""
    generator = np.random.default_rng(config.data.seed)
    return next(crops(split, generator, _VALIDATION_TILES, 1))


def _bits(profile: Profile, count: int, generator: np.random.Generator) -> Tensor:
    return torch.from_numpy(generator.integers(0, 2, (count, *profile.grid), dtype=np.uint8))


def _letters(tiles: np.typing.NDArray[np.uint8], generator: np.random.Generator) -> Tensor:
    """Random ASCII for every square of the tiles."""
    size = (len(tiles), tiles.shape[1] // slides.CELL, tiles.shape[2] // slides.CELL)
    return torch.from_numpy(generator.integers(0, slides.CHARACTERS, size))


def _identity(config: TrainConfig, data: dict[str, Split]) -> str:
    return json.dumps(
        {
            "network": [config.preset, config.profile, asdict(config.lattice)],
            "loss": [config.psnr, config.visibility],
            "noise": asdict(config.noise),
            "steps": config.steps,
            "loop": asdict(config.loop),
            "data": {name: data[name].sha256 for name in ("train", "validation")},
        }
    )


def _write_charts(config: TrainConfig, networks: Networks, result: Result) -> None:
    """The curves and a few pictures to look at, and the figures as numbers."""
    generator = np.random.default_rng(config.data.seed)
    rows = []
    for cover in result.data["test"].pictures[:_SHOWN]:
        text = full_text(generator, config.rules.layout(*cover.shape[:2]).capacity)
        rows.append(side_by_side(cover, hide.hide(networks, config.rules, cover, text).pixels))
    sheet = write_png(Picture(np.vstack(rows)))
    write_atomically(config.folder / "comparison.png", lambda stream: stream.write(sheet))
    _write_json(config.folder / METRICS_FILE, result.report.metrics())
    if result.progress is not None:
        shares = [name for name in result.progress.history[0] if name.startswith("errors")]
        title = f"profile {config.profile}, preset {config.preset}"
        save_curves(result.progress, shares, title, config.folder / "curves.png")
    log.info("charts: %s", config.folder)


def _write_json(file: Path, content: dict[str, float]) -> None:
    text = json.dumps(content, indent=2) + "\n"
    write_atomically(file, lambda stream: stream.write(text.encode()))


def _publish(pair: Pair, config: TrainConfig, result: Result) -> None:
    profile = config.rules
    golden = _golden(profile, result.data["test"])
    origin = Origin(
        codec_version=CODEC_VERSION,
        datasets={name: split.sha256 for name, split in result.data.items()},
        metrics=result.report.metrics(),
        command=result.command,
    )
    sides: tuple[tuple[str, nn.Module, tuple[TensorSpec, ...], TensorSpec], ...] = (
        (
            profile.encoder,
            ServedEncoder(pair.encoder),
            (IMAGE, profile.message, STRENGTH),
            STEGO,
        ),
        (profile.decoder, ServedDecoder(pair.decoder), (IMAGE,), profile.probabilities),
    )
    for name, network, inputs, output in sides:
        export(
            to_onnx(
                network.eval(),
                ModelConfig(
                    name=name,
                    inputs=inputs,
                    outputs=(output,),
                    max_batch_size=MAX_BATCH,
                    batching=Batching(),
                    parameters={"codec_version": str(CODEC_VERSION), "profile": profile.name},
                ),
                {spec.name: golden[spec.name] for spec in inputs},
            ),
            origin=origin,
            card=partial(write_card, result=result, is_encoder=output is STEGO),
            repository=config.repository or default_repository(),
        )


def _golden(profile: Profile, split: Split) -> Arrays:
    """Tiles with all kinds of bits, at several strengths."""
    generator = np.random.default_rng(0)
    return {
        IMAGE.name: next(crops(split, generator, GOLDEN_TILES, 1)),
        profile.message.name: generator.integers(
            0, 3, (GOLDEN_TILES, *profile.grid), dtype=np.uint8
        ),
        STRENGTH.name: np.linspace(0.5, 1.5, GOLDEN_TILES, dtype=np.float32)[:, None],
    }
