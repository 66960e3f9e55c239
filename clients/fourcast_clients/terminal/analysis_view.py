"""An analysis on the terminal: the board with scores below it, or one line of a table."""

from rich.console import Console
from rich.text import Text

from fourcast_clients.api import Analysis, Cell, Outcome, Player
from fourcast_clients.terminal.board_view import STONE_COLOURS
from fourcast_clients.terminal.wording import SOURCES, STONES, ending

CELL_WIDTH = 4
"""Characters of a column, so that a score with its sign fits, and so does a share."""

NAMES = {player: f"the {player.value} player" for player in Player}


def show(answer: Analysis, console: Console) -> None:
    """Print the board, the score of each column below it, and what they mean."""
    board = answer.board
    for row in range(len(board.rows), 0, -1):
        text = Text()
        for column in range(1, len(answer.scores) + 1):
            cell = Cell(column, row)
            player = board.stone(cell)
            style = STONE_COLOURS[player] if player else "dim"
            if cell in board.winning_cells:
                style += " reverse"
            text.append(" " * (CELL_WIDTH - 1))
            text.append(STONES[player] if player else "·", style)
        console.print(text)
    columns = range(1, len(answer.scores) + 1)
    console.print(Text("".join(f"{column:>{CELL_WIDTH}}" for column in columns), "dim"))
    if board.is_over:
        console.print(f"The game is over. {ending(board, NAMES)}.")
        return
    text = Text()
    for column, score in zip(columns, answer.scores, strict=True):
        style = "bold" if column in answer.best_columns else ""
        text.append(f"{_figure(score):>{CELL_WIDTH}}", style)
    console.print(text)
    _show_policy(answer, console)
    console.print()
    mover = f"{STONES[board.side_to_move]} {NAMES[board.side_to_move]}"
    best = ", ".join(map(str, answer.best_columns))
    word = "column" if len(answer.best_columns) == 1 else "columns"
    console.print(f"{mover} is to move and {_fate(answer)}. Best: {word} {best}.", soft_wrap=True)
    console.print(f"A line of perfect play: {answer.principal_variation}", soft_wrap=True)
    if (opinion := _opinion(answer)) is not None:
        console.print(opinion, soft_wrap=True)
    console.print(f"The scores are from the {SOURCES[answer.source]}.", style="dim")


def table_head() -> str:
    """The head of `table_row`'s columns."""
    columns = "".join(f"{column:>{CELL_WIDTH}}" for column in range(1, 8))
    return f"{columns}  best     network  fate               moves"


def table_row(moves: str, answer: Analysis) -> str:
    """A position in one line: the score of each column, and what they mean."""
    scores = "".join(f"{_figure(score):>{CELL_WIDTH}}" for score in answer.scores)
    best = "".join(map(str, answer.best_columns)) or "-"
    network = "-" if answer.policy is None else str(_choice(answer.policy))
    fate = "is over" if answer.board.is_over else _fate(answer)
    return f"{scores}  {best:<7}  {network:<7}  {fate:<17}  {moves}"


def _show_policy(answer: Analysis, console: Console) -> None:
    """The network's probability of each column."""
    if answer.policy is not None:
        pairs = zip(answer.policy, answer.scores, strict=True)
        shares = ("" if score is None else f"{share:.0%}" for share, score in pairs)
        console.print(Text("".join(f"{share:>{CELL_WIDTH}}" for share in shares), "dim"))


def _opinion(answer: Analysis) -> str | None:
    """What the network would play and whether that is right, and what it expects."""
    if answer.policy is None or answer.value is None:
        return None
    choice = _choice(answer.policy)
    score = answer.scores[choice - 1]
    if score == answer.score:
        verdict = "one of the best" if len(answer.best_columns) > 1 else "the best"
    elif score is not None and (score > 0) - (score < 0) == (answer.score > 0) - (answer.score < 0):
        verdict = "the game ends the same, but sooner" if score < 0 else "a win, but a slower one"
    else:
        verdict = f"a mistake: then the game is {'drawn' if score == 0 else 'lost'}"
    value = answer.value
    return (
        f"The network ({answer.model}, version {answer.model_version}) would play column {choice}: "
        f"{verdict}. It expects a win {value.win:.0%}, a draw {value.draw:.0%}, a loss "
        f"{value.loss:.0%}."
    )


def _choice(policy: tuple[float, ...]) -> int:
    """The most probable column, 1 to 7."""
    return 1 + policy.index(max(policy))


def _figure(score: int | None) -> str:
    return "" if score is None else f"{score:+d}" if score else "0"


def _fate(answer: Analysis) -> str:
    """How the game ends under perfect play, as what the side to move does."""
    if answer.outcome is Outcome.DRAW:
        return "draws"
    verb = "wins" if answer.outcome is Outcome.WIN else "loses"
    plies = answer.distance
    return f"{verb} in {plies} {'ply' if plies == 1 else 'plies'}"
