"""Positions whose exact scores a plain minimax search gave."""

LATE_WIN = "3413555215717647527723654221"
"""The first player, to move, wins at once in column 4; columns 2 and 7 only draw."""
LATE_WIN_SCORES = (5, 0, 6, 7, None, 6, 0)

LATE_LOSS = "2161531554251211723323565266"
"""The first player, to move, loses whatever it plays, latest after column 7."""
LATE_LOSS_SCORES = (None, None, -5, -6, None, -5, -4)

WON = "1122334"
"""The first player has won in the bottom row, columns 1 to 4."""

HARD = "47651"
"""So early that the exact search takes seconds at the least where no book has it."""
