"""Eight models on the same folds, with features chosen in three ways."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tqdm import tqdm

from fourcast_models.tabular.coimbra import COLUMNS, INPUTS
from fourcast_training.tabular import mlp
from fourcast_training.tabular.classifiers import score_with_classifier
from fourcast_training.tabular.data import Floats, Table
from fourcast_training.tabular.folds import REPEATS, Split, Task, make_task, repeated_splits
from fourcast_training.tabular.networks import score_tasks
from fourcast_training.tabular.published import PUBLISHED
from fourcast_training.tabular.selection import choose_features

Features = Literal["nested", "four", "nine"]
"""Four features chosen anew in each training part; the four of the publisher's article, which saw
all rows; all nine."""

FEATURES: tuple[Features, ...] = ("nested", "four", "nine")

MODELS = tuple(PUBLISHED)

FOUR = tuple(COLUMNS.index(feature) for feature in INPUTS)
NINE = tuple(range(len(COLUMNS)))
"""Places in `COLUMNS`."""


@dataclass(frozen=True)
class Evaluation:
    """What the models said of rows that they did not learn from.

    Attributes:
        splits: The folds.
        chosen: Places in `COLUMNS` of the nested features, for each split.
        scores: By features and model: for each split above 0 for a patient, float64 [m].
        probabilities: Of `mlp` with nested features, calibrated: for each split float64 [m].
    """

    splits: Sequence[Split]
    chosen: Sequence[tuple[int, ...]]
    scores: Mapping[tuple[Features, str], Sequence[Floats]]
    probabilities: Sequence[Floats]


def evaluate(
    table: Table,
    *,
    repeats: int = REPEATS,
    seed: int = 0,
    shuffled: bool = False,
    features: Sequence[Features] = FEATURES,
    models: Sequence[str] = MODELS,
) -> Evaluation:
    """Cross-validate; nothing is chosen on a test fold.

    Args:
        table: The rows.
        repeats: Of the five folds.
        seed: Of everything random.
        shuffled: Deal the labels anew in each repeat; then every AUC should be about 0.5.
        features: Which of the three ways.
        models: Which of `MODELS`.
    """
    splits = repeated_splits(table.labels, repeats=repeats, seed=seed, shuffled=shuffled)
    logarithms = table.logarithms
    chosen: list[tuple[int, ...]] = []
    if "nested" in features:
        chosen = [
            choose_features(logarithms[split.train], split.labels[split.train])
            for split in tqdm(splits, desc="features", unit="fold", leave=False, disable=None)
        ]
    scores: dict[tuple[Features, str], Sequence[Floats]] = {}
    probabilities: Sequence[Floats] = ()
    columns: dict[Features, Sequence[tuple[int, ...]]] = {
        "nested": chosen,
        "four": [FOUR] * len(splits),
        "nine": [NINE] * len(splits),
    }
    runs = [(way, model) for way in features for model in models]
    for way, model in tqdm(runs, desc="models", unit="model", leave=False, disable=None):
        tasks = list(_tasks(logarithms, splits, columns[way]))
        if model == "mlp" and way == "nested":
            probabilities = mlp.ask_planned(tasks, seed)
            scores[way, model] = [answer - 0.5 for answer in probabilities]
        elif model == "mlp":
            scores[way, model] = score_tasks(tasks, mlp.USUAL, seed)
        elif model == "small":
            scores[way, model] = score_tasks(tasks, mlp.SMALL, seed)
        else:
            scores[way, model] = score_with_classifier(model, tasks)
    return Evaluation(splits, chosen, scores, probabilities)


def _tasks(
    logarithms: Floats, splits: Sequence[Split], columns: Sequence[tuple[int, ...]]
) -> Iterator[Task]:
    for split, own in zip(splits, columns, strict=True):
        yield make_task(logarithms[:, list(own)], split.labels, split.train, split.test)
