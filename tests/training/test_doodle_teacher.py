"""Learning from another network's guesses."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from fourcast_training.doodle.teacher import imitation_loss, read_teacher
from tests.training.running import fourcast_train, run

FEW = (
    "doodle --preset smoke --data.generated 60 --data.validation 5 --data.test 5 --per-class 10 "
    "--image-drawings 0 --scribbles 20 --no-publish --jobs 0 --loop.epochs 2"
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run `teacher`."""
    folder = tmp_path_factory.mktemp("runs")
    done = run(fourcast_train(f"{FEW} --folder teacher"), folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_teacher_gives_the_guesses_of_its_best_weights(runs: Path) -> None:
    teacher = read_teacher(runs / "teacher", "bitmap", torch.device("cpu"))
    assert not teacher.training
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    pictures = torch.randint(0, 256, (4, 28, 28), dtype=torch.uint8)
    assert teacher(pictures).shape == (4, 345)


def test_a_pupil_is_trained_and_names_its_teacher(runs: Path) -> None:
    options = f"{FEW} --stem 4 --widths 8 16 --blocks 1 1 --folder pupil --teacher teacher"
    done = run(fourcast_train(options), runs)
    assert done.returncode == 0, done.stderr
    identity = torch.load(runs / "pupil" / "checkpoint.pt", weights_only=True)["identity"]
    assert '"teacher": ["teacher", 0.7, 2.0]' in identity
    # Without its teacher it is another run.
    done = run(fourcast_train(options.replace("--teacher teacher", "")), runs)
    assert done.returncode == 1
    assert "belongs to another run" in done.stderr


def test_a_teacher_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no checkpoint.pt; train that network first"):
        read_teacher(tmp_path, "bitmap", torch.device("cpu"))


def test_a_teacher_that_reads_something_else_is_refused(runs: Path) -> None:
    with pytest.raises(ValueError, match="reads a bitmap, but this network reads a raster"):
        read_teacher(runs / "teacher", "raster", torch.device("cpu"))


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_imitation_is_best_where_the_guesses_agree(temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    taught = 3 * torch.randn(8, 345, generator=generator)
    own = taught.clone().requires_grad_()
    loss = imitation_loss(own, taught, temperature)
    (gradient,) = torch.autograd.grad(loss, own)
    assert gradient.abs().max().item() < 1e-6
    assert imitation_loss(taught + torch.randn(8, 345, generator=generator), taught, 2.0) > 0
    assert loss < imitation_loss(taught.flip(1), taught, temperature)


def test_at_temperature_one_it_is_the_plain_cross_entropy() -> None:
    generator = torch.Generator().manual_seed(0)
    own, taught = torch.randn(2, 8, 345, generator=generator)
    expected = functional.cross_entropy(own, torch.softmax(taught, dim=1))
    torch.testing.assert_close(imitation_loss(own, taught, 1.0), expected)
