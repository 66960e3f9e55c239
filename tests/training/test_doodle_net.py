"""The network's shapes, its folding, its views and its temperature."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from fourcast_models.doodle.strokes import SIDE
from fourcast_training.doodle.augment import NOTHING, Picture
from fourcast_training.doodle.net import (
    DoodleNet,
    ServedNet,
    Views,
    fit_temperature,
    folded,
)
from fourcast_training.doodle.presets import PRESETS, Preset
from fourcast_training.doodle.train import smoothed_loss

SHAPES: dict[Picture, tuple[int, ...]] = {"bitmap": (28, 28), "raster": (2, 56, 56)}


def network(picture: Picture = "bitmap") -> DoodleNet:
    torch.manual_seed(0)
    net = DoodleNet(picture, stem=4, widths=(8, 12), blocks=(2, 1), dropout=0.2)
    with torch.no_grad():
        # Statistics as after training: without them, folding would have nothing to fold.
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_()  # type: ignore[union-attr]  # it is tracked
                module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]  # likewise
                module.weight.uniform_(0.5, 2)
                module.bias.normal_()
    return net.eval()


def random_pictures(picture: Picture, count: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, *SHAPES[picture]), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("picture", ["bitmap", "raster"])
def test_probabilities_sum_to_one(picture: Picture) -> None:
    served = ServedNet(network(picture), 0.7, views=8).eval()
    (probabilities,) = served(random_pictures(picture))
    assert probabilities.shape == (5, 345)
    assert probabilities.dtype == torch.float32
    assert probabilities.sum(dim=1).tolist() == pytest.approx([1] * 5, abs=1e-5)


@pytest.mark.parametrize("picture", ["bitmap", "raster"])
def test_folding_changes_nothing_but_the_layers(picture: Picture) -> None:
    net = network(picture)
    flat = folded(net)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in flat.modules())
    assert any(isinstance(module, torch.nn.BatchNorm2d) for module in net.modules())
    pictures = random_pictures(picture)
    with torch.inference_mode():
        torch.testing.assert_close(flat(pictures), net(pictures), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "larger",
    [{}, {"blocks": (3, 2)}, {"stem": 6, "widths": (9, 20)}, {"stem": 6, "blocks": (2, 3)}],
)
def test_a_grown_network_guesses_as_before_and_can_learn(larger: dict[str, Any]) -> None:
    small = network()
    sizes: dict[str, Any] = {"stem": 4, "widths": (8, 12), "blocks": (2, 1)} | larger
    grown = DoodleNet("bitmap", **sizes).eval()
    grown.grow_from(small.state_dict())
    pictures = random_pictures("bitmap")
    torch.testing.assert_close(grown(pictures), small(pictures), atol=1e-5, rtol=1e-5)
    optimizer = torch.optim.SGD(grown.parameters(), lr=0.01)
    before = {name: weight.clone() for name, weight in grown.named_parameters()}
    for _ in range(2):  # what a zero hides from the first step, the second one sees
        optimizer.zero_grad()
        grown(pictures).logsumexp(dim=1).sum().backward()
        optimizer.step()
    for name, weight in grown.named_parameters():
        assert (weight != before[name]).any(), name


@pytest.mark.parametrize(
    "other", [{"blocks": (1, 1)}, {"widths": (8, 11)}, {"stem": 3}, {"picture": "raster"}]
)
def test_a_network_of_another_size_is_refused(other: dict[str, Any]) -> None:
    sizes: dict[str, Any] = {
        "picture": "bitmap",
        "stem": 4,
        "widths": (8, 12),
        "blocks": (2, 1),
    } | other
    with pytest.raises(RuntimeError, match=r"no place|size mismatch"):
        DoodleNet(**sizes).grow_from(network().state_dict())


@pytest.mark.parametrize("picture", ["bitmap", "raster"])
def test_views_of_a_picture_get_the_same_guess(picture: Picture) -> None:
    pictures = random_pictures(picture)
    # An empty margin, as every drawing has it, of which nothing is lost.
    pixel = pictures.shape[-1] // SIDE
    for side in (-1, -2):
        pictures.movedim(side, 0)[: 3 * pixel] = 0
        pictures.movedim(side, 0)[-3 * pixel :] = 0
    corners = [pictures.roll((y * pixel, x * pixel), (-2, -1)) for y in (-1, 1) for x in (-1, 1)]
    net = network(picture)
    views: tuple[Views, ...] = (1, 2, 8)
    with torch.inference_mode():
        for count in views:
            seen = {1: [pictures], 2: [pictures], 8: corners}[count]
            seen = seen + [one.flip(-1) for one in seen] if count > 1 else seen
            expected = torch.stack([net(one) for one in seen]).mean(dim=0)
            logits = ServedNet(net, 1.0, count).logits(pictures)
            torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
            if count > 1:
                mirrored = ServedNet(net, 1.0, count).logits(pictures.flip(-1))
                torch.testing.assert_close(mirrored, logits, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_the_temperature_is_found(temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(4_000, 345, generator=generator)
    labels = torch.multinomial(torch.softmax(logits, 1), 1, generator=generator)[:, 0]
    assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.06)


def test_the_loss_is_torch_s_with_smoothing() -> None:
    logits = torch.randn(6, 345, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 3, 344, 7, 7, 1])
    for smoothing in (0.0, 0.1):
        expected = functional.cross_entropy(
            logits, labels, label_smoothing=smoothing, reduction="none"
        )
        torch.testing.assert_close(smoothed_loss(logits, labels, smoothing), expected)


def test_a_scribble_wants_every_category_alike() -> None:
    nothing = torch.full((4,), NOTHING)
    even = smoothed_loss(torch.zeros(4, 345), nothing, 0.1)
    assert even.mean().item() == pytest.approx(math.log(345), rel=1e-5)
    sure = torch.zeros(4, 345)
    sure[:, 9] = 5.0
    assert (smoothed_loss(sure, nothing, 0.1) > even + 0.1).all()


def test_the_network_learns_a_handful_by_heart() -> None:
    torch.manual_seed(0)
    net = DoodleNet("bitmap", stem=4, widths=(8, 16), blocks=(1, 1)).train()
    pictures, labels = random_pictures("bitmap", 8), torch.arange(8) * 40
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    losses = []
    for _ in range(60):
        loss = smoothed_loss(net(pictures), labels, 0.0).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 4
    assert np.mean(losses[-5:]) < 0.2


@pytest.mark.parametrize(
    ("preset", "megabytes"), [("default", 5.0), ("strokes", 10.0), ("small", 1.0)]
)
def test_a_preset_fits_its_size(preset: Preset, megabytes: float) -> None:
    config = PRESETS[preset]
    net = DoodleNet(config.picture, config.stem, config.widths, config.blocks)
    weights = sum(parameter.numel() for parameter in folded(net).parameters())
    # A byte a weight but for the last layer, and what the graph itself takes.
    last = sum(parameter.numel() for parameter in net.head.parameters())
    assert config.quantised
    assert weights + 3 * last + 60_000 < 1e6 * megabytes
