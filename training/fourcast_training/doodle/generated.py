"""Small drawings of the project's own: shapes that are categories, and scribbles that are none.

The shapes let tests and the smoke preset run without the data set. The scribbles teach a network,
and show, that what is nothing in the list gets no confident name.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from fourcast_models.doodle.codec import CATEGORIES
from fourcast_models.doodle.strokes import Stroke, draw, prepare
from fourcast_training.doodle.drawings import Drawings, join_strokes

Scribble = Literal["walk", "chords", "glyphs", "loops", "tangle"]

Points = npt.NDArray[np.float64]


def _polygon(corners: int, turn: float) -> Points:
    angles = turn + 2 * np.pi * np.arange(corners + 1) / corners
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _star() -> Points:
    radii = np.where(np.arange(11) % 2, 0.4, 1.0)
    return _polygon(10, -np.pi / 2) * radii[:, None]


def _zigzag() -> Points:
    return np.stack([np.linspace(-1, 1, 9), 0.3 * (-1.0) ** np.arange(9)], axis=1)


def _squiggle() -> Points:
    x = np.linspace(-1, 1, 30)
    return np.stack([x, 0.3 * np.sin(7 * x)], axis=1)


def _ladder() -> list[Points]:
    rails = [np.array([[x, -1.0], [x, 1.0]]) for x in (-0.3, 0.3)]
    return rails + [np.array([[-0.3, y], [0.3, y]]) for y in (-0.7, -0.2, 0.3, 0.8)]


def _envelope() -> list[Points]:
    box = np.array([[-1, -0.6], [1, -0.6], [1, 0.6], [-1, 0.6], [-1, -0.6]])
    return [box, np.array([[-1, -0.6], [0, 0.1], [1, -0.6]])]


def _clock() -> list[Points]:
    return [_polygon(24, 0.0), np.array([[0, -0.7], [0, 0], [0.5, 0.2]])]


SHAPES: dict[str, Callable[[], list[Points]]] = {
    "circle": lambda: [_polygon(24, 0.0)],
    "clock": _clock,
    "diamond": lambda: [_polygon(4, 0.0) * (0.6, 1.0)],
    "envelope": _envelope,
    "ladder": _ladder,
    "line": lambda: [np.array([[-1.0, 0.0], [1.0, 0.1]])],
    "square": lambda: [_polygon(4, np.pi / 4)],
    "squiggle": lambda: [_squiggle()],
    "star": lambda: [_star()],
    "triangle": lambda: [_polygon(3, -np.pi / 2)],
    "zigzag": lambda: [_zigzag()],
}
"""How to draw a category, before a hand shakes."""


def shape(category: str, rng: np.random.Generator) -> tuple[Stroke, ...]:
    """A prepared drawing of one of SHAPES, as a person might have drawn it."""
    turn = rng.normal(0, 0.15)
    stretch = np.diag(np.exp(rng.normal(0, 0.15, 2)))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    strokes = [
        stroke @ (stretch @ rotation).T + rng.normal(0, 0.03, stroke.shape)
        for stroke in SHAPES[category]()
    ]
    return prepare(strokes)


def generate(per_class: int, seed: int, categories: Sequence[str] = tuple(SHAPES)) -> Drawings:
    """Shapes with strokes, bitmaps and key ids, sorted by label.

    Args:
        per_class: Drawings of each category.
        seed: Everything follows from it.
        categories: Some of SHAPES.
    """
    rng = np.random.default_rng(seed)
    labels = np.repeat(sorted(CATEGORIES.index(name) for name in categories), per_class)
    drawings = [shape(CATEGORIES[label], rng) for label in labels]
    rows = [join_strokes(strokes) for strokes in drawings]
    return Drawings(
        labels=labels.astype(np.int64),
        key_ids=rng.integers(1, 2**63, len(labels)).astype(np.uint64),
        bitmaps=np.stack([draw(strokes) for strokes in drawings]),
        points=np.concatenate(rows),
        offsets=np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64),
    )


def scribble(kind: Scribble, rng: np.random.Generator) -> tuple[Stroke, ...]:
    """A prepared drawing of nothing.

    `walk`: one to four strokes that wander with a direction that changes at random. `chords`: three
    to fifteen straight lines between random points. `glyphs`: one or two letters of an alphabet
    that nobody uses. `loops`: one stroke, the sum of a few circular motions of random speeds.
    `tangle`: one or two round lines through random points.
    """
    if kind == "walk":
        strokes = [_walk(rng) for _ in range(rng.integers(1, 5))]
    elif kind == "chords":
        strokes = list(rng.normal(0, 1, (int(rng.integers(3, 16)), 2, 2)))
    elif kind == "glyphs":
        strokes = _glyph(rng)
        if rng.random() < 0.5:
            strokes += [stroke + np.array([3.2, 0.0]) for stroke in _glyph(rng)]
    elif kind == "loops":
        strokes = [_loops(rng)]
    else:
        strokes = [_tangle(rng) for _ in range(rng.integers(1, 3))]
    return prepare(strokes)


def _walk(rng: np.random.Generator) -> Points:
    steps = int(rng.integers(20, 150))
    turns = rng.normal(0, rng.uniform(0.1, 1.0), steps)
    headings = rng.uniform(0, 2 * np.pi) + np.cumsum(turns)
    away = np.stack([np.cos(headings), np.sin(headings)], axis=1)
    path: Points = rng.normal(0, 10, 2) + np.cumsum(away, axis=0)
    return path


def _glyph(rng: np.random.Generator) -> list[Points]:
    """Three to five lines and arcs between the points of a grid, three wide and four high.

    Most begin where an earlier one begins or ends, so that they hang together as letters do.
    """
    time = np.linspace(0, np.pi, 16)[:, None]
    strokes: list[Points] = []
    joints: list[int] = []
    for _ in range(int(rng.integers(3, 6))):
        first, second = rng.choice(12, 2, replace=False).tolist()
        if joints and rng.random() < 0.8:
            first = joints[int(rng.integers(len(joints)))]
            second = (first + int(rng.integers(1, 12))) % 12
        joints += [first, second]
        start, end = (np.array([place // 3, place % 3])[::-1] * 1.0 for place in (first, second))
        if rng.random() < 0.5:
            strokes.append(np.stack([start, end]))
        else:
            middle, half = (start + end) / 2, (end - start) / 2
            bulge = half[::-1] * (-1.0, 1.0) * rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 1.3)
            strokes.append(middle - half * np.cos(time) + bulge * np.sin(time))
    return strokes


def _loops(rng: np.random.Generator) -> Points:
    time = np.linspace(0, rng.uniform(2, 12), 300)[:, None]
    path = np.zeros((300, 2))
    for _ in range(int(rng.integers(3, 6))):
        size, speed = rng.uniform(0.2, 1.0, 2), rng.uniform(0.3, 4.0, 2)
        path += size * np.sin(speed * time + rng.uniform(0, 2 * np.pi, 2))
    return path


def _tangle(rng: np.random.Generator) -> Points:
    """Corners rounded by Chaikin's method (1974): cut at a quarter and three quarters, again."""
    path: Points = rng.uniform(-1, 1, (int(rng.integers(4, 12)), 2))
    for _ in range(4):
        before, after = path[:-1], path[1:]
        cut = np.stack([0.75 * before + 0.25 * after, 0.25 * before + 0.75 * after], axis=1)
        path = cut.reshape(-1, 2)
    return path
