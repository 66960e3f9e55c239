"""From the ten-line minimax to the solver: what each idea saves, on the same positions.

The searches themselves stand in `fourcast_training.connect4.minimax_steps`, one function an idea,
to be read from top to bottom beside the table that this lesson prints.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from matplotlib.figure import Figure

from fourcast_models.connect4.board import (
    Board,
    legal_columns,
    parse_grid,
    play,
)
from fourcast_models.connect4.solver import Solver
from fourcast_training.connect4 import minimax_steps as steps
from fourcast_training.connect4.random_play import random_position
from fourcast_training.lessons.presentation import Language, Lesson, Row, Table, Text

POSITIONS = 100
LATE, EARLY = 32, 24
"""Stones on the board: where minimax still ends soon, and where only the last steps do."""

SEED = 1

SLIDES_POSITION = """
1......
12.....
21.....
22.....
12.2.1.
2211.11
"""


@dataclass(frozen=True)
class Measured:
    """What a step took for all positions: positions looked at, and processor seconds."""

    nodes: int
    seconds: float


def random_positions(stones: int, count: int) -> list[Board]:
    """Positions of random games, none of them over."""
    random = Random(SEED)
    return [random_position(random, stones) for _ in range(count)]


def searches() -> dict[Text, Callable[[Board, steps.Effort], int]]:
    """Every step by its name, in order."""
    functions = (
        steps.minimax,
        steps.alpha_beta,
        steps.centre_first,
        steps.remembering,
        steps.careful,
        steps.null_windows,
        steps.threats_first,
        steps.compiled(Solver(table_mebibytes=1)),
    )
    return dict(zip(_NAMES, functions, strict=True))


@cache
def measured(stones: int, first: int) -> dict[Text, Measured]:
    """What the steps from number `first` on take, on positions of so many stones.

    Raises:
        RuntimeError: If two steps disagree about a score.
    """
    boards = random_positions(stones, POSITIONS)
    found: dict[Text, Measured] = {}
    scores: list[int] | None = None
    for name, search in list(searches().items())[first:]:
        efforts = [steps.Effort() for _ in boards]
        start = time.process_time()
        answers = [search(board, effort) for board, effort in zip(boards, efforts, strict=True)]
        seconds = time.process_time() - start
        if scores is not None and answers != scores:
            raise RuntimeError(f"{name.en}: other scores than the step before")
        scores = answers
        found[name] = Measured(sum(effort.nodes for effort in efforts), seconds)
    return found


def rows() -> Sequence[Row]:
    """The course's own position: its best column, by the plainest step that ends soon."""
    board = parse_grid(SLIDES_POSITION)
    scores = {
        column: -steps.null_windows(play(board, column), steps.Effort())
        for column in legal_columns(board)
    }
    best = max(scores, key=lambda column: scores[column])
    return [Row(_BEST, "4", float(best)), Row(_SCORE, "", float(scores[best]))]


def tables() -> Sequence[Table]:
    """All steps on late positions, the last ones on earlier positions."""
    return _table(LATE, 0), _table(EARLY, EARLY_FROM)


def _table(stones: int, first: int) -> Table:
    title = Text(
        en=f"{POSITIONS} positions of {stones} stones, Python but for the last step",
        es=f"{POSITIONS} posiciones de {stones} fichas, Python salvo el último paso",
    )
    heads = (
        Text(en="step", es="paso"),
        Text(en="positions looked at", es="posiciones vistas"),
        Text(en="seconds", es="segundos"),
        Text(en="times as fast as before", es="veces más rápido que antes"),
    )
    cells: list[tuple[Text | str, ...]] = []
    before: float | None = None
    for name, one in measured(stones, first).items():
        faster = "" if before is None else f"{before / one.seconds:.1f}"
        cells.append((name, f"{one.nodes:,}", f"{one.seconds:.4f}", faster))
        before = one.seconds
    return Table(title, heads, cells)


def draw(figure: Figure, language: Language) -> None:
    """Positions looked at and time of each step, on logarithmic axes."""
    left, right = figure.subplots(1, 2, sharey=True)
    for stones, first, colour, marker in (
        (LATE, 0, "tab:blue", "o"),
        (EARLY, EARLY_FROM, "tab:red", "s"),
    ):
        found = measured(stones, first)
        places = [_NAMES.index(name) for name in found]
        for axes, values in (
            (left, [one.nodes for one in found.values()]),
            (right, [one.seconds for one in found.values()]),
        ):
            label = f"{stones} {_STONES[language]}"
            axes.plot(values, places, marker=marker, color=colour, label=label)
    for axes, title in ((left, _LOOKED_AT), (right, _SECONDS)):
        axes.set(xscale="log", xlabel=title[language])
        axes.grid(axis="x", alpha=0.3)
    left.set_yticks(range(len(_NAMES)), [name[language] for name in _NAMES])
    left.invert_yaxis()
    right.legend()


_NAMES = (
    Text(en="minimax", es="minimax puro"),
    Text(en="alpha-beta", es="alfa-beta"),
    Text(en="middle columns first", es="primero las columnas del centro"),
    Text(en="a table of known positions", es="una tabla de posiciones ya vistas"),
    Text(en="wins, threats and losing cells seen", es="ver victorias, amenazas y casillas malas"),
    Text(en="questions without room (null windows)", es="preguntas sin margen (ventanas nulas)"),
    Text(en="moves that threaten first", es="primero las jugadas que amenazan"),
    Text(en="all of it compiled, and more", es="todo eso compilado, y algo más"),
)
EARLY_FROM = 4
"""The first step that ends soon on early positions."""

_BEST = Text(
    en="best column of the slides' position, counted from 0",
    es="mejor columna de la posición de las diapositivas, contando desde 0",
)
_SCORE = Text(en="its score", es="su puntuación")
_STONES = Text(en="stones", es="fichas")
_LOOKED_AT = Text(en="positions looked at", es="posiciones vistas")
_SECONDS = Text(en="seconds", es="segundos")

LESSON = Lesson(
    title=Text(
        en="Minimax: from ten lines to the solver", es="Minimax: de diez líneas al solucionador"
    ),
    explanation=Text(
        en="""
Minimax looks at every game that can still be played: the best that I can reach if you do the same.
Ten lines say it, and they end only near the end of the game. Each further step leaves the answer as
it is, exact, and looks at fewer positions to find it.

Alpha-beta skips the replies to a move that one reply has refuted already. How much it skips depends
on the order: middle columns first, later the moves that make threats. A table knows positions that
other moves led to before. To see wins, threats and cells that must not be filled, before searching,
saves the last plies, and those are most of the tree. To ask only "more than this?" cuts off most of
what a question with room would look at, but one question is seldom enough: it pays on the earlier
positions, not on the late ones. The last step is these ideas compiled to machine code, with bounds
that the rules give for free; it solves the empty board. Read fourcast_training/connect4/
minimax_steps.py from top to bottom, then fourcast_models/connect4/kernel.py.
""",
        es="""
Minimax mira todas las partidas que aún se pueden jugar: lo mejor que puedo lograr si tú haces lo
mismo. Diez líneas lo dicen, y solo terminan cerca del final de la partida. Cada paso deja la
respuesta como es, exacta, y mira menos posiciones para encontrarla.

Alfa-beta omite las respuestas a una jugada que una respuesta ya refutó. Cuánto omite depende del
orden: primero las columnas del centro, más tarde las jugadas que amenazan. Una tabla conoce las
posiciones a las que otras jugadas ya llevaron. Ver victorias, amenazas y casillas que no se deben
llenar, antes de buscar, ahorra los últimos turnos, y esos son casi todo el árbol. Preguntar solo
"¿más que esto?" corta casi todo lo que miraría una pregunta con margen, pero una pregunta rara vez
basta: conviene en las posiciones más tempranas, no en las tardías. El último paso son estas ideas
compiladas a código de máquina, con cotas que las reglas regalan; resuelve el tablero vacío. Lee
fourcast_training/connect4/minimax_steps.py de arriba abajo, y luego
fourcast_models/connect4/kernel.py.
""",
    ),
    source="Machine learning y deep learning (001)",
    rows=rows,
    tables=tables,
    draw=draw,
    size=(12, 4.6),
)
