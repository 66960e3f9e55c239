"""The model card of a Connect-4 network, written from what was measured."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fourcast_models.connect4.board import CELLS
from fourcast_training.connect4.dataset import Dataset
from fourcast_training.connect4.evaluate import Figures, table
from fourcast_training.loop import Progress
from fourcast_training.published import made_by

CARD = """\
# {name}, version {version}

A network that plays Connect-4 on the board of 7 columns and 6 rows. It was trained on positions
that a minimax solver had labelled with the exact score of every column. It looks at one position
and does not search.

| tensor | | type and shape | meaning |
| --- | --- | --- | --- |
| `board` | input | UINT8 [N, 2, 6, 7] | plane 0 the stones of the side to move, plane 1 the \
opponent's; row 0 is the top row |
| `policy` | output | FP32 [N, 7] | probability of each column, exactly 0 for full ones |
| `value` | output | FP32 [N, 3] | probability of win, draw and loss for the side to move |

{parameters:,} parameters{training}{begun}.
{mirrors}{integers}Made by the following command, with seed
{label_seed} for the positions and seed {training_seed} for the training:

    {command}

## Test split

{positions} positions that neither training nor the choice of the epoch saw, not even in a mirror,
from where *Data* says. *Value-keeping*: the most probable column keeps a won position won and a
drawn one drawn. *Score-optimal*: it also has the best exact score (fastest win, slowest loss).

{comparison}

By where the positions come from:

{by_origin}

By the number of stones on the board:

{by_ply}

What it gets wrong:

{mistakes}

`fourcast-train connect4 --evaluate` prints these tables again from the published file.

## Data

Of {splits} together, {random} positions come from games of random moves, {openings} from
the opening book and {games} from games played nearly perfectly.
{book}{practice}By the number of stones:

{distribution}

Labels: `fourcast-train connect4-label`. SHA-256 of the positions and their scores:

{hashes}

## Limits

- Random games seldom reach balanced positions, and those are the hard ones: against a strong
  opponent expect the figures of the openings and of the games, not those of random positions.
- It answers only for positions that are not over.

## Licence

Apache-2.0, as the rest of fourcast. The labels are facts computed by fourcast's own solver.
"""


@dataclass(frozen=True)
class Result:
    """A finished run and what it scored on the test split.

    Attributes:
        command: What makes it again.
        seeds: Of the positions, and of the training.
        begun: Folder of the run or version whose network it began with, or None.
        parameters: Of the network.
        progress: Of the training.
        mirrors: Whether answers for the board and for its mirror image are averaged.
        quantised: Whether the file's sums are done in integers.
        by_origin: Figures over the whole test split, "all", and by where positions come from.
        by_ply: The same for each number of stones.
        mistakes: What the network gets wrong, in Markdown.
        origins: How many positions of all splits come from where.
        data: The splits, and if there are any "book", the rest of the opening book, and "practice",
            the positions of its own games; those to train on are missing if it was not trained.
        hashes: SHA-256 of all that it learnt from and is measured on, by split.
    """

    command: str
    seeds: tuple[int, int]
    begun: Path | None
    parameters: int
    progress: Progress
    mirrors: bool
    quantised: bool
    by_origin: Mapping[str, Figures]
    by_ply: Mapping[int, Figures]
    mistakes: str
    origins: Mapping[str, int]
    data: Mapping[str, Dataset]
    hashes: Mapping[str, str]


def write_card(name: str, version: int, result: Result, beside: Mapping[str, Figures]) -> str:
    """The card as Markdown.

    Args:
        name: The model's name.
        version: The version that is published.
        result: The run that made it.
        beside: Figures of other runs on the same test split, by what to call them.
    """
    plies = np.concatenate([dataset.plies for dataset in result.data.values()])
    counts = np.bincount(plies, minlength=CELLS)
    rows = [range(start, start + 14) for start in range(0, CELLS, 14)]
    distribution = "\n\n".join(
        "| stones | " + " | ".join(map(str, row)) + " |\n"
        "| --- |" + " ---: |" * len(row) + "\n"
        "| positions | " + " | ".join(str(counts[ply]) for ply in row) + " |"
        for row in rows
    )
    return CARD.format(
        name=name,
        version=version,
        parameters=result.parameters,
        training=(
            f". The weights are those of epoch {result.progress.best_epoch} of "
            f"{result.progress.epoch},\nthe best on the validation split"
            if result.progress.epoch
            else ". It was trained no further here"
        ),
        begun=(
            ""
            if result.begun is None
            else f".\nIt began as an earlier network, `{result.begun}`{made_by(result.begun)}"
        ),
        mirrors=(
            "What it says of the board and of its mirror image is averaged.\n"
            if result.mirrors
            else ""
        ),
        command=result.command,
        label_seed=result.seeds[0],
        training_seed=result.seeds[1],
        positions=len(result.data["test"].plies),
        integers=(
            "The file's sums are done in integers of eight bits, and everything below is measured\n"
            "of the file. "
            if result.quantised
            else ""
        ),
        comparison=table({"this one": result.by_origin["all"], **beside}, "network"),
        by_origin=table(result.by_origin, "origin"),
        by_ply=table({str(ply): row for ply, row in result.by_ply.items()}, "stones"),
        mistakes=result.mistakes,
        **result.origins,
        book=(
            f"{len(result.data['book'].plies)} more, for training alone, are the book's rest.\n"
            if "book" in result.data
            else ""
        ),
        practice=(
            f"{len(result.data['practice'].plies)} more, for training alone, come from games of\n"
            "networks on the way to this one against perfect play. "
            if "practice" in result.data
            else ""
        ),
        distribution=distribution,
        splits="all splits" if "train" in result.data else "validation and test",
        hashes="\n".join(f"- {split}: `{sha256}`" for split, sha256 in result.hashes.items()),
    )


def read_figures(file: Path) -> tuple[str, Figures]:
    """The name of a finished run and the figures that it left behind."""
    content = json.loads(file.read_text())
    return content["name"], Figures(**content["figures"])
