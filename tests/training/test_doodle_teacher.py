"""Learning from a published network's guesses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from fourcast_models.repository import RepositoryError
from fourcast_training.doodle.augment import AugmentConfig, EpochPictures
from fourcast_training.doodle.drawings import Drawings
from fourcast_training.doodle.generated import generate
from fourcast_training.doodle.teacher import read_teacher, taught_loss
from tests.services.small_doodle import publish_small_doodle
from tests.services.small_model import publish_small_model
from tests.training.running import fourcast_train, run

FEW = (
    "doodle --preset smoke --data.generated 60 --data.validation 5 --data.test 5 --per-class 10 "
    "--image-drawings 0 --scribbles 20 --no-publish --jobs 1 --loop.epochs 2 --stem 4 "
    "--widths 8 16 --blocks 1 1 --folder pupil --repository models"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the repository `models`."""
    folder = tmp_path_factory.mktemp("runs")
    publish_small_doodle(folder / "models", "doodle", "bitmap")
    publish_small_doodle(folder / "models", "doodle_strokes", "raster")
    publish_small_model(folder / "models")
    return folder


@pytest.fixture(scope="module")
def drawings() -> Drawings:
    """Six shapes of each category, every second one without strokes."""
    whole = generate(6, seed=3)
    has_strokes = np.arange(len(whole)) % 2 == 0
    sizes = np.diff(whole.offsets)
    return replace(
        whole,
        points=whole.points[np.repeat(has_strokes, sizes)],
        offsets=np.concatenate([[0], np.cumsum(sizes * has_strokes)]).astype(np.int64),
    )


def pictures(drawings: Drawings, folder: Path, teacher: str, *, jobs: int = 0) -> EpochPictures:
    return EpochPictures(
        drawings,
        "bitmap",
        AugmentConfig(scribbles=0),
        per_class=6,
        reuse=1,
        seed=5,
        jobs=jobs,
        teacher=read_teacher(folder / "models", teacher),
    )


def test_a_teacher_of_the_same_pictures_sees_them_before_they_move(
    drawings: Drawings, folder: Path
) -> None:
    still = AugmentConfig(shift=0, scribbles=0, unfinished=0, dropping=0)
    teacher = read_teacher(folder / "models", "doodle")
    drawn = EpochPictures(
        drawings, "bitmap", still, per_class=6, reuse=1, seed=5, jobs=0, teacher=teacher
    )
    images, _, taught = drawn.epoch(0)
    np.testing.assert_allclose(taught, teacher.open()(images), atol=1e-3)
    assert taught.dtype == np.float16


def test_a_teacher_sees_all_of_a_drawing_of_which_its_pupil_sees_the_beginning(
    drawings: Drawings, folder: Path
) -> None:
    still = dict.fromkeys(("rotation", "stretch", "slant", "shake", "line_width"), 0.0)
    teacher = read_teacher(folder / "models", "doodle")
    sets = [
        EpochPictures(
            drawings.select(np.flatnonzero(drawings.has_strokes)),
            "bitmap",
            AugmentConfig(shift=0, scribbles=0, dropping=0, unfinished=unfinished, **still),
            per_class=6,
            reuse=1,
            seed=5,
            jobs=0,
            teacher=teacher,
        ).epoch(0)
        for unfinished in (0.0, 1.0)
    ]
    (whole, _, of_whole), (begun, _, of_begun) = sets
    assert begun.mean() < 0.9 * whole.mean()
    # At random a drawing is mirrored, in each set otherwise.
    faces = [
        teacher.open()(pictures) for pictures in (whole, np.ascontiguousarray(whole[..., ::-1]))
    ]
    gaps = [
        min(np.abs(guess - one).max() for one in seen)
        for guess, *seen in zip(of_begun, *faces, strict=True)
    ]
    assert np.mean(np.array(gaps) < 0.02) > 0.8  # a mirrored line may fall on other pixels
    assert np.abs(teacher.open()(begun) - of_begun).max() > 0.02
    np.testing.assert_allclose(of_whole, faces[0], atol=1e-3)


def test_a_teacher_that_reads_strokes_leaves_the_others_to_their_labels(
    drawings: Drawings, folder: Path
) -> None:
    images, labels, taught = pictures(drawings, folder, "doodle_strokes").epoch(0)
    assert len(images) == len(labels) == len(taught) == len(drawings)
    sums = taught.astype(np.float32).sum(axis=1)
    assert set(np.round(sums, 1)) == {0.0, 1.0}
    assert (sums > 0.5).sum() == drawings.has_strokes.sum()


def test_pictures_are_those_without_a_teacher_and_the_same_in_processes(
    drawings: Drawings, folder: Path
) -> None:
    plain = EpochPictures(
        drawings, "bitmap", AugmentConfig(scribbles=0), per_class=6, reuse=1, seed=5, jobs=0
    )
    apart = pictures(drawings, folder, "doodle_strokes", jobs=1)
    try:
        found = apart.epoch(1)
    finally:
        apart.close()
    here = pictures(drawings, folder, "doodle_strokes").epoch(1)
    for one, other in zip(found, here, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(plain.epoch(1), here[:2], strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_pupil_is_trained_and_names_its_teacher(folder: Path) -> None:
    done = run(fourcast_train(f"{FEW} --teacher doodle_strokes"), folder)
    assert done.returncode == 0, done.stderr
    identity = torch.load(folder / "pupil" / "checkpoint.pt", weights_only=True)["identity"]
    assert read_teacher(folder / "models", "doodle_strokes").sha256 in identity
    # Without its teacher it is another run.
    done = run(fourcast_train(FEW), folder)
    assert done.returncode == 1
    assert "belongs to another run" in done.stderr


def test_a_teacher_that_is_not_there_or_none_for_doodles_is_refused(folder: Path) -> None:
    with pytest.raises(RepositoryError, match="painter"):
        read_teacher(folder / "models", "painter")
    with pytest.raises(ValueError, match="--teacher connect4: no doodle model"):
        read_teacher(folder / "models", "connect4")


def test_the_loss_is_the_mixed_targets_cross_entropy() -> None:
    generator = torch.Generator().manual_seed(0)
    own, other = torch.randn(2, 8, 345, generator=generator)
    taught = torch.softmax(other, dim=1)
    labels = torch.arange(8)
    by_label = functional.cross_entropy(own, labels, reduction="none")
    mixed = 0.3 * functional.one_hot(labels, 345) + 0.7 * taught
    expected = functional.cross_entropy(own, mixed, reduction="none")
    torch.testing.assert_close(taught_loss(own, by_label, taught, 0.7), expected)
    taught[3] = 0
    assert taught_loss(own, by_label, taught, 0.7)[3] == by_label[3]
