"""The lattice code before any training, its export, and the noise that it is trained with."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fourcast_models.stego.codec import CAPACITY, PROFILES, ROBUST, Profile
from fourcast_models.stego.metrics import psnr
from fourcast_training.stego import noise
from fourcast_training.stego.data import DataConfig, crops, load, photograph_of
from fourcast_training.stego.net import LatticeConfig, Pair
from fourcast_training.stego.noise import NoiseConfig
from fourcast_training.stego.presets import PRESETS
from fourcast_training.stego.slides import SlidesNet, loss, measure
from fourcast_training.stego.textures import texture
from fourcast_training.stego.train import visible

PROFILE = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)


def tiles(count: int) -> torch.Tensor:
    generator = np.random.default_rng(0)
    rows = [texture(generator)[64:128, 64:128] for _ in range(count)]
    return torch.from_numpy(np.stack(rows))


def planes(count: int = 2) -> torch.Tensor:
    return tiles(count).permute(0, 3, 1, 2).float()


@PROFILE
def test_bit_errors_before_training(profile: Profile) -> None:
    torch.manual_seed(0)
    pair = Pair(profile, PRESETS["capacity" if profile is CAPACITY else "robust"].lattice)
    image = tiles(16)
    bits = torch.randint(0, 2, (16, *profile.grid), dtype=torch.uint8)
    with torch.no_grad():
        stego = (pair.encoder(image, bits, torch.ones(16, 1)) * 255).clamp(0, 255).round().byte()
        errors = ((pair.decoder(stego) > 0) != (bits == 1)).float().mean()
        noise_of_cover = ((pair.decoder(image) > 0) != (bits == 1)).float().mean()
    assert errors < 0.004
    assert 0.45 < noise_of_cover < 0.55
    assert psnr(image.numpy(), stego.numpy()) > (48 if profile is CAPACITY else 42)


@PROFILE
def test_strength_makes_it_louder(profile: Profile) -> None:
    pair = Pair(profile, LatticeConfig(amount=0.6))
    image, bits = tiles(4), torch.randint(0, 2, (4, *profile.grid), dtype=torch.uint8)
    with torch.no_grad():
        faint, loud = (
            (pair.encoder(image, bits, torch.full((4, 1), s)) - image / 255).square().mean()
            for s in (1.0, 1.4)
        )
    assert loud / faint == pytest.approx(1.96, rel=0.01)


@PROFILE
def test_every_weight_learns(profile: Profile) -> None:
    pair = Pair(profile, LatticeConfig(width=8, blocks=1))
    image, bits = tiles(4), torch.randint(0, 2, (4, *profile.grid), dtype=torch.uint8)
    optimizer = torch.optim.Adam(pair.parameters(), lr=1e-3)
    # What stands before a layer that begins at zero gets its gradient from the second step on.
    for _ in range(3):
        optimizer.zero_grad()
        stego = pair.encoder(image, bits, torch.ones(4, 1)) * 255
        logits = pair.decoder(stego + 3 * torch.randn_like(stego))
        torch.autograd.backward(
            torch.nn.functional.binary_cross_entropy_with_logits(logits, bits.float())
        )
        optimizer.step()
    for name, parameter in pair.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_jpeg_by_formula_is_nearly_the_real_one() -> None:
    images = planes(4)
    for quality in (50, 75, 95):
        for subsampling in (0, 2):
            ours = noise.jpeg(images, quality, halved_colour=subsampling == 2).clamp(0, 255)
            real = noise.by_pillow(images, "JPEG", quality=quality, subsampling=subsampling)
            away, between = (images - real).square().mean(), (ours - real).square().mean()
            # At high qualities both mostly round to whole grey levels.
            assert between < 0.15 * away + 1.5


def test_gradients_pass_the_real_jpeg() -> None:
    images = planes().requires_grad_()
    torch.autograd.backward(noise.by_pillow(images, "JPEG", quality=50).sum())
    assert images.grad is not None
    torch.testing.assert_close(images.grad, torch.ones_like(images))


@pytest.mark.parametrize(
    "kind", ["nothing", "jpeg", "real_jpeg", "webp", "gaussian", "resize", "tone"]
)
def test_each_change_keeps_shape_and_gives_whole_grey_levels(kind: str) -> None:
    torch.manual_seed(1)
    chosen = NoiseConfig(**{"nothing": 0.0, kind: 1.0})
    images = planes().requires_grad_()
    changed = noise.disturb(images, chosen)
    assert changed.shape == images.shape
    assert torch.equal(changed, changed.round())
    assert (changed - images).abs().mean() < 12
    assert torch.equal(changed, images) == (kind == "nothing")
    torch.autograd.backward(changed.sum())
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_the_hinge_is_silent_below_the_aim() -> None:
    cover = torch.zeros(1, 64, 64, 3)
    assert visible(cover + 1, cover, 48.0) == 0
    assert visible(cover + 2, cover, 48.13) == pytest.approx(3, rel=0.01)


@pytest.mark.parametrize(
    ("name", "photograph"),
    [("a-b_0.jpg", "a-b"), ("a-b_12.jpg", "a-b"), ("a_b.png", "a_b"), ("x/c-3.png", "x/c")],
)
def test_crops_of_one_photograph_belong_together(name: str, photograph: str) -> None:
    assert photograph_of(name) == photograph


def test_a_folder_is_split_by_photograph(tmp_path: Path) -> None:
    for photograph in range(12):
        for crop in range(3):
            colours = np.full((64, 80, 3), 20 * photograph + crop, dtype=np.uint8)
            Image.fromarray(colours).save(tmp_path / f"p{chr(97 + photograph)}_{crop}.png")
    splits = load(DataConfig(images=tmp_path))
    names = {part: {photograph_of(name) for name in split.names} for part, split in splits.items()}
    assert {part: len(split.names) for part, split in splits.items()} == {
        "test": 21,
        "validation": 3,
        "train": 12,
    }
    assert not names["train"] & names["test"]
    assert not names["train"] & names["validation"]
    batch = next(crops(splits["train"], np.random.default_rng(0), 5, 1))
    assert batch.shape == (5, 64, 64, 3)


def test_the_shared_photographs_are_split_by_photograph(shared_data: Path) -> None:
    splits = load(DataConfig(images=shared_data / "photos"))
    parts = [{photograph_of(name) for name in split.names} for split in splits.values()]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 64


def test_bad_folders_are_errors_in_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no such folder"):
        load(DataConfig(images=tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="0 photographs are too few"):
        load(DataConfig(images=tmp_path))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"broken\.png: the image is not"):
        load(DataConfig(images=tmp_path))


def test_textures_are_the_same_again_and_differ() -> None:
    one, again = (load(DataConfig(textures=10))["train"] for _ in range(2))
    assert one.sha256 == again.sha256
    assert load(DataConfig(textures=10, seed=6))["train"].sha256 != one.sha256


def test_the_slides_autoencoder_learns() -> None:
    torch.manual_seed(0)
    network = SlidesNet()
    image, text = tiles(2), torch.randint(0, 128, (2, 4, 4))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    values = []
    for _ in range(15):
        optimizer.zero_grad()
        value = loss(network, image, text)
        torch.autograd.backward(value)
        optimizer.step()
        values.append(float(value.detach()))
    assert values[-1] < 0.8 * values[0]
    figures = measure(network, image, text)
    assert 0 <= figures.characters <= 1
    assert figures.psnr > 5


def test_saving_mixes_up_neither_places_nor_colours() -> None:
    generator = np.random.default_rng(0)
    smooth = np.asarray(Image.fromarray(texture(generator)).resize((64, 64)))
    images = torch.from_numpy(smooth.copy()).permute(2, 0, 1)[None].float()
    file = io.BytesIO()
    Image.fromarray(smooth).save(file, "WEBP", quality=90)
    expected = np.asarray(Image.open(file).convert("RGB"))
    found = noise.by_pillow(images, "WEBP", quality=90)[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(found, expected)


def test_presets_are_what_they_are_for() -> None:
    assert PRESETS["capacity"].rules is CAPACITY
    assert PRESETS["robust"].rules is ROBUST
    assert not PRESETS["slides"].publish
    assert PRESETS["smoke"].repository is not None
