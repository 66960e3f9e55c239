"""The pictures of each epoch: drawn anew from the strokes, each time a little otherwise.

A few hundred drawings a category are soon learnt by heart. So a drawing is bent before it is drawn,
as another hand might have drawn it: turned, stretched, slanted, mirrored, its points shaken, its
line a little thicker or thinner. Some drawings lose their end or a few strokes, so that half-drawn
doodles are known too. As this happens to strokes and not to pixels, nothing is blurred, and the
pictures are as sharp as those that the service makes. Some may look as if a thick pen had drawn
them and the image path had thinned its lines.

Drawing costs a core about as much as a third of a training step does. `EpochPictures` therefore
uses a drawn epoch for several epochs, and draws the next one in other processes meanwhile; that
keeps a GPU busy too.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from fourcast_models.doodle.images import eroded
from fourcast_models.doodle.strokes import (
    FRAME,
    LINE_WIDTH,
    RASTER_CHANNELS,
    RASTER_SIDE,
    SIDE,
    Stroke,
    draw,
    draw_large,
    draw_raster,
    fit,
    reduced,
)
from fourcast_training.doodle.drawings import Drawings
from fourcast_training.doodle.generated import Scribble, scribble

Picture = Literal["bitmap", "raster"]

NOTHING = -1
"""The label of a scribble."""

TRAINED_SCRIBBLES: tuple[Scribble, ...] = ("walk", "chords", "glyphs", "loops")
"""The kinds that training sees; `tangle` and letters are left to the evaluation."""

_CHUNK = 1024


@dataclass(frozen=True)
class AugmentConfig:
    """How much drawings vary in training."""

    rotation: float = 0.12
    """Standard deviation of the angle, in radians."""

    stretch: float = 0.12
    """Standard deviation of the logarithm of the scale, separately across and down."""

    slant: float = 0.12
    """Standard deviation of the shear."""

    shake: float = 1.5
    """Standard deviation of each point's place, in units of 255."""

    line_width: float = 0.12
    """Standard deviation of the logarithm of the line's width."""

    shift: int = 1
    """The picture moves by up to this many pixels of a bitmap, in both directions."""

    unfinished: float = 0.15
    """Share of drawings that lose their end: up to two thirds of their length."""

    dropping: float = 0.15
    """Share of drawings of which each stroke is left out with a chance of one in six."""

    scribbles: float = 0.03
    """Share of pictures that are scribbles, for which every category is as probable."""

    thick: float = 0.0
    """Share of drawings that look like images of a pen up to two and a half times as wide, brought
    back to the usual line: small gaps are filled in. For bitmaps only."""


Strokes = tuple[Stroke, ...]


def augmented(
    strokes: Strokes, config: AugmentConfig, rng: np.random.Generator
) -> tuple[Strokes, Strokes]:
    """A prepared drawing as another hand might have drawn it, again in a box of 255 units.

    Returns:
        As far as it was drawn, and whole; the same if nothing is missing.
    """
    kind, drawn = rng.random(), strokes
    if kind < config.unfinished:
        drawn = first_part(strokes, rng.uniform(1 / 3, 1))
    elif kind < config.unfinished + config.dropping:
        drawn = tuple(stroke for stroke in strokes if rng.random() > 1 / 6) or strokes
    angle, slant = rng.normal(0, config.rotation), rng.normal(0, config.slant)
    wide, high = np.exp(rng.normal(0, config.stretch, 2))
    if rng.random() < 0.5:
        wide = -wide
    cosine, sine = np.cos(angle), np.sin(angle)
    bend = np.array([[wide * cosine, wide * sine], [high * (slant - sine), high * cosine]])
    shakes = rng.normal(0, config.shake, (sum(map(len, drawn)), 2))
    bent = _bent(drawn, bend, shakes)
    return bent, bent if drawn is strokes else _bent(strokes, bend, np.zeros(2))


def _bent(
    strokes: Strokes, bend: npt.NDArray[np.float64], shakes: npt.NDArray[np.float64]
) -> Strokes:
    # All points at once: a drawing has a dozen short strokes.
    points = np.concatenate(strokes) @ bend + shakes
    ends = np.cumsum([len(stroke) for stroke in strokes])[:-1]
    return fit(tuple(np.split(points, ends)))


def first_part(strokes: Strokes, share: float) -> Strokes:
    """What was drawn when the pen had gone this share of its way, in (0, 1]; at least a dot."""
    lengths = [np.hypot(*np.diff(stroke, axis=0).T) for stroke in strokes]
    left = share * sum(float(length.sum()) for length in lengths)
    drawn = []
    for stroke, length in zip(strokes, lengths, strict=True):
        along = np.cumsum(length)
        if len(along) == 0 or along[-1] <= left:
            drawn.append(stroke)
            left -= float(length.sum())
            continue
        # Rounding can leave a little less than nothing.
        left = max(left, 0.0)
        whole = int(np.searchsorted(along, left))
        # A hand can report one point twice.
        step = (left - (along[whole] - length[whole])) / (length[whole] or 1.0)
        end = stroke[whole] + step * (stroke[whole + 1] - stroke[whole])
        drawn.append(np.concatenate([stroke[: whole + 1], end[None]]))
        break
    return tuple(drawn)


def thick(strokes: Strokes, width: float, times: float) -> npt.NDArray[np.uint8]:
    """A drawing by a wider pen whose lines were thinned again, as the image path thins them.

    That is a morphological closing: gaps narrower than what the pen had too much are filled in,
    and no way from pixels tells them from what was meant to be filled.

    Args:
        strokes: A prepared drawing.
        width: Of the lines afterwards, in units.
        times: How many times as wide the pen was.

    Returns:
        Uint8 [28, 28], 0 background, 255 ink.
    """
    # Half the side suffices for a bitmap, and takes a quarter of the time.
    large = draw_large(strokes, width * times).reduce(2)
    ink = np.asarray(large) > 127
    for layer in range(round((times - 1) * width / 2 * large.width / FRAME)):
        ink = eroded(ink, crosswise=layer % 2 == 0)
    return reduced(Image.fromarray(ink.astype(np.uint8) * 255), SIDE)


Arrays = tuple[npt.NDArray[Any], ...]

Guess = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float16]]
"""Probabilities float16 [N, 345] for pictures uint8 [N, ...]."""


class Teacher(Protocol):
    """A network that is asked about the same drawings."""

    @property
    def picture(self) -> Picture:
        """What it reads."""

    def open(self) -> Guess:
        """Make it ready in this process."""


class EpochPictures:
    """Pictures and labels of every epoch, balanced over the categories, drawn in processes.

    The same seed and epoch give the same pictures, whatever came before.
    """

    def __init__(
        self,
        drawings: Drawings,
        picture: Picture,
        config: AugmentConfig,
        *,
        per_class: int,
        reuse: int,
        seed: int,
        jobs: int,
        teacher: Teacher | None = None,
    ) -> None:
        """Start the processes.

        Args:
            drawings: To choose from; for rasters they all have strokes.
            picture: What to draw.
            config: How much they vary.
            per_class: Pictures of each category in an epoch.
            reuse: Epochs that use one set of pictures before it is drawn anew.
            seed: Of the choice and the variation.
            jobs: Processes; 0 draws in this one, when the pictures are needed.
            teacher: Asked about each whole drawing as it is bent, in the same processes.
        """
        self._per_class, self._reuse, self._seed = per_class, reuse, seed
        self._members = [
            np.flatnonzero(drawings.labels == label) for label in np.unique(drawings.labels)
        ]
        self._size = per_class * len(self._members)
        arguments = (drawings, picture, config, teacher)
        self._painter = None if jobs else _Painter(*arguments)
        self._pool = (
            ProcessPoolExecutor(
                jobs,
                # A fork would copy torch's threads in whatever state they are.
                mp_context=get_context("forkserver"),
                initializer=_start_process,
                initargs=arguments,
            )
            if jobs
            else None
        )
        self._pending: dict[int, list[Future[Arrays]]] = {}
        self._current: tuple[int, Arrays] | None = None

    def __len__(self) -> int:
        """How many pictures an epoch has."""
        return self._size

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def epoch(self, number: int) -> Arrays:
        """The pictures of an epoch (from 0), in no useful order.

        Returns:
            Pictures uint8 [N, ...] and labels int64 [N]; if there is a teacher, also its
            probabilities float16 [N, 345], zeros for drawings that it cannot see.
        """
        drawn = number // self._reuse
        if self._current is None or self._current[0] != drawn:
            if self._painter is not None:
                chunks = [self._painter.paint(*work) for work in self._work(drawn)]
            else:
                self._begin(drawn)
                chunks = [future.result() for future in self._pending.pop(drawn)]
                self._begin(drawn + 1)
            self._current = drawn, tuple(map(np.concatenate, zip(*chunks, strict=True)))
        return self._current[1]

    def _begin(self, drawn: int) -> None:
        """Let the processes draw a set, unless they do already."""
        assert self._pool is not None
        if drawn not in self._pending:
            self._pending[drawn] = [
                self._pool.submit(_paint_here, *work) for work in self._work(drawn)
            ]

    def _work(self, drawn: int) -> Iterator[tuple[npt.NDArray[np.int64], list[int]]]:
        """The drawings of each chunk of a set, and the seed of their variation."""
        chosen = np.concatenate(
            [self._choose(members, drawn, place) for place, members in enumerate(self._members)]
        )
        for start in range(0, len(chosen), _CHUNK):
            yield chosen[start : start + _CHUNK], [self._seed, drawn, start]

    def _choose(
        self, members: npt.NDArray[np.int64], drawn: int, place: int
    ) -> npt.NDArray[np.int64]:
        """The next drawings of one category: all of them in turn, in a new order each time."""
        turns = np.arange(drawn * self._per_class, (drawn + 1) * self._per_class)
        rounds = turns // len(members)
        orders = {
            int(number): np.random.default_rng([self._seed, place, number]).permutation(members)
            for number in np.unique(rounds)
        }
        return np.array(
            [
                orders[int(number)][turn % len(members)]
                for turn, number in zip(turns, rounds, strict=True)
            ]
        )


@dataclass
class _Painter:
    """Draws pictures; made once in each process, not sent with every chunk."""

    drawings: Drawings
    picture: Picture
    config: AugmentConfig
    teacher: Teacher | None

    def __post_init__(self) -> None:
        self._guess = self.teacher.open() if self.teacher else None

    def paint(self, chosen: npt.NDArray[np.int64], seed: list[int]) -> Arrays:
        """What `EpochPictures.epoch` returns, of some drawings."""
        rng, config = np.random.default_rng(seed), self.config
        labels = self.drawings.labels[chosen]
        images = _blank(len(chosen), self.picture)
        shown = _blank(len(chosen), self.teacher.picture if self.teacher else self.picture)
        unseen = np.zeros(len(chosen), dtype=np.bool_)
        for place, index in enumerate(chosen):
            if rng.random() < config.scribbles:
                strokes = scribble(TRAINED_SCRIBBLES[rng.integers(len(TRAINED_SCRIBBLES))], rng)
                labels[place] = NOTHING
            else:
                strokes = self.drawings.strokes(int(index))
            if strokes:
                width = LINE_WIDTH * np.exp(rng.normal(0, config.line_width))
                bent, whole = augmented(strokes, config, rng)
                # Without thick pens nothing is drawn by lot: the other pictures of a seed stay.
                is_thick = config.thick > 0 and rng.random() < config.thick
                if is_thick:
                    image = thick(bent, width, rng.uniform(1.4, 2.5))
                else:
                    image = _drawn(bent, width, self.picture)
                images[place] = _moved(image, config.shift * image.shape[-1] // SIDE, rng)
                if self.teacher:
                    same = bent is whole and self.teacher.picture == self.picture and not is_thick
                    shown[place] = image if same else _drawn(whole, width, self.teacher.picture)
            else:
                images[place] = _bent_bitmap(self.drawings.bitmaps[index], config, rng)
                if shown.shape == images.shape:
                    shown[place] = images[place]
                else:
                    unseen[place] = True
        if self._guess is None:
            return images, labels
        taught = self._guess(shown)
        taught[unseen] = 0
        return images, labels, taught


_here: list[_Painter] = []
"""The painter of this process."""


def _start_process(
    drawings: Drawings, picture: Picture, config: AugmentConfig, teacher: Teacher | None
) -> None:
    _here.append(_Painter(drawings, picture, config, teacher))


def _paint_here(chosen: npt.NDArray[np.int64], seed: list[int]) -> Arrays:
    return _here[0].paint(chosen, seed)


def _blank(count: int, picture: Picture) -> npt.NDArray[np.uint8]:
    shape = (SIDE, SIDE) if picture == "bitmap" else (RASTER_CHANNELS, RASTER_SIDE, RASTER_SIDE)
    return np.zeros((count, *shape), dtype=np.uint8)


def _drawn(strokes: Strokes, width: float, picture: Picture) -> npt.NDArray[np.uint8]:
    return draw(strokes, width) if picture == "bitmap" else draw_raster(strokes, width)


def _bent_bitmap(
    bitmap: npt.NDArray[np.uint8], config: AugmentConfig, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """A bitmap of which no strokes are known, bent by half as much: pixels blur."""
    angle, slant = rng.normal(0, config.rotation / 2), rng.normal(0, config.slant / 2)
    wide, high = np.exp(rng.normal(0, config.stretch / 2, 2))
    if rng.random() < 0.5:
        wide = -wide
    cosine, sine = np.cos(angle), np.sin(angle)
    bend = np.array([[wide * cosine, slant - sine], [sine, high * cosine]])
    middle = np.full(2, SIDE / 2)
    shift = middle - bend @ middle + rng.integers(-config.shift, config.shift + 1, 2)
    image = Image.fromarray(bitmap).transform(
        (SIDE, SIDE),
        Image.Transform.AFFINE,
        (*bend[0], shift[0], *bend[1], shift[1]),
        Image.Resampling.BICUBIC,
    )
    return np.asarray(image)


def _moved(
    image: npt.NDArray[np.uint8], most: int, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """The picture moved by up to this many pixels; its margin is at least as wide."""
    down, right = rng.integers(-most, most + 1, 2)
    return np.roll(image, (int(down), int(right)), axis=(-2, -1))
