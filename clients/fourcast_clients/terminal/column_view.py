"""What stands under the board's columns: the network's policy as bars, and the exact scores."""

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from fourcast_clients.api import COLUMNS
from fourcast_clients.terminal.board_view import CELL_WIDTH

BAR_WIDTH = 4
BAR_LINES = 2
EIGHTHS = " ▁▂▃▄▅▆▇█"


class ColumnView(Widget):
    """Seven bars with their percentages, and seven scores, each under its column."""

    policy: reactive[tuple[float, ...] | None] = reactive(None)
    """The network's probability of each column from the left; None if it was not asked."""

    scores: reactive[tuple[int | None, ...] | None] = reactive(None)
    """The exact score of each column from the left; None if they are not known."""

    chosen: reactive[int | None] = reactive(None)
    """The column that was played, 1 to 7; its bar is bright."""

    def render(self) -> Text:
        """The bars, the percentages, the scores and what they are."""
        text = Text(no_wrap=True)
        if self.policy is None:
            text.append("\n" * (BAR_LINES + 2))
        else:
            for line in reversed(range(BAR_LINES)):
                self._row(text, [_bar(share, line) * BAR_WIDTH for share in self.policy])
            self._row(text, [f"{share:.0%}" for share in self.policy])
            text.append(
                f"{'network: chance of playing each column':^{COLUMNS * CELL_WIDTH + 2}}\n", "dim"
            )
        if self.scores is not None:
            best = max((score for score in self.scores if score is not None), default=0)
            text.append(" ")
            for score in self.scores:
                style = "bold" if score == best else ""
                text.append(f"{_score(score):^{CELL_WIDTH}}", style)
            text.append(
                f"\n{'exact: + you win, 0 draw, - you lose':^{COLUMNS * CELL_WIDTH + 2}}", "dim"
            )
        return text

    def _row(self, text: Text, entries: list[str]) -> None:
        text.append(" ")
        for column, entry in enumerate(entries, start=1):
            text.append(f"{entry:^{CELL_WIDTH}}", "bold" if column == self.chosen else "dim")
        text.append("\n")


def _bar(share: float, line: int) -> str:
    """The block that a share from 0 to 1 fills in one line of its bar, 0 the lowest."""
    filled = round(share * BAR_LINES * 8) - line * 8
    return EIGHTHS[min(max(filled, 0), 8)]


def _score(score: int | None) -> str:
    return "" if score is None else f"{score:+d}" if score else "0"
