"""The picture of an evaluation: ROC curves, and what became of the probabilities."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from fourcast_training.lessons.presentation import Language, Text
from fourcast_training.tabular.data import Floats
from fourcast_training.tabular.evaluate import MODELS, Evaluation
from fourcast_training.tabular.folds import FOLDS
from fourcast_training.tabular.metrics import fold_aucs
from fourcast_training.tabular.published import PUBLISHED

SIZE = (12.5, 6)
"""Inches."""

BINS = 8
"""Of the calibration, with as many rows each."""

_FALSE = Text(en="false positive rate", es="tasa de falsos positivos")
_TRUE = Text(en="true positive rate", es="tasa de verdaderos positivos")
_ROC = Text(en="ROC curves, mean of the held-out folds", es="curvas ROC, media de los pliegues")
_CHANCE = Text(en="chance", es="azar")
_SAID = Text(en="probability of being a patient, as said", es="probabilidad anunciada de paciente")
_WERE = Text(en="share that are patients", es="proporción de pacientes")
_CALIBRATION = Text(
    en="calibration of the MLP on held-out rows", es="calibración del MLP en filas apartadas"
)
_PERFECT = Text(en="perfect", es="perfecta")
_BIN = Text(
    en="an eighth of the rows,\n± standard deviation by repeat",
    es="un octavo de las filas,\n± desviación típica por repetición",
)


def draw_evaluation(figure: Figure, evaluation: Evaluation, language: Language) -> None:
    """The ROC curves of all models, and the MLP's calibration, all nested."""
    left, right = figure.subplots(1, 2)
    _draw_roc(left, evaluation, language)
    _draw_calibration(right, evaluation, language)
    for axes in (left, right):
        axes.set_box_aspect(1)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.grid(alpha=0.3)


def _draw_roc(axes: Axes, evaluation: Evaluation, language: Language) -> None:
    ticks = np.linspace(0, 1, 201)
    for number, model in enumerate(MODELS):
        scores = evaluation.scores["nested", model]
        curves = []
        for split, score in zip(evaluation.splits, scores, strict=True):
            false, true, _ = roc_curve(split.labels[split.test], score)
            curve = np.interp(ticks, false, true)
            curve[0] = 0.0
            curves.append(curve)
        auc = fold_aucs(evaluation.splits, scores).mean()
        axes.plot(
            ticks,
            np.mean(curves, axis=0),
            color=f"C{number}",
            linewidth=2.5 if model == "mlp" else 1.2,
            label=f"{PUBLISHED[model].name[language]}: {auc:.3f}",
        )
    axes.plot([0, 1], [0, 1], ":", color="0.5", label=_CHANCE[language])
    axes.set(title=_ROC[language], xlabel=_FALSE[language], ylabel=_TRUE[language])
    axes.legend(loc="lower right", title="AUC")


def _draw_calibration(axes: Axes, evaluation: Evaluation, language: Language) -> None:
    said, were = calibration_bins(evaluation)
    axes.plot([0, 1], [0, 1], ":", color="0.5", label=_PERFECT[language])
    axes.errorbar(
        said.mean(axis=0),
        were.mean(axis=0),
        yerr=were.std(axis=0, ddof=1) if len(were) > 1 else None,
        fmt="o-",
        capsize=3,
        label=_BIN[language],
    )
    axes.set(title=_CALIBRATION[language], xlabel=_SAID[language], ylabel=_WERE[language])
    axes.legend(loc="upper left")


def calibration_bins(evaluation: Evaluation) -> tuple[Floats, Floats]:
    """Mean probability said and share of patients, by repeat and bin: twice float64 [R, BINS].

    Every row is held out once in a repeat; the rows are put in order of what was said of them and
    dealt to bins.
    """
    said, were = [], []
    for start in range(0, len(evaluation.splits), FOLDS):
        splits = evaluation.splits[start : start + FOLDS]
        probabilities = np.concatenate(evaluation.probabilities[start : start + FOLDS])
        labels = np.concatenate([split.labels[split.test] for split in splits])
        order = np.argsort(probabilities, kind="stable")
        said.append([part.mean() for part in np.array_split(probabilities[order], BINS)])
        were.append([part.mean() for part in np.array_split(labels[order], BINS)])
    return np.array(said), np.array(were)
