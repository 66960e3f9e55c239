"""Tables 3 and 4 of the source beside ours, in English or Spanish."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fourcast_models.tabular.coimbra import COLUMNS
from fourcast_training.lessons.presentation import Language, Text
from fourcast_training.tabular.data import Floats
from fourcast_training.tabular.evaluate import MODELS, Evaluation, Features
from fourcast_training.tabular.folds import FOLDS
from fourcast_training.tabular.metrics import (
    RATES,
    auc_deviation,
    corrected_t_test,
    fold_aucs,
    fold_rates,
    spread,
)
from fourcast_training.tabular.published import PUBLISHED

BASE = "mlp"
"""What the others are compared with."""

HEADINGS: dict[Features, Text] = {
    "nested": Text(
        en="Nested: everything chosen in the training part of each fold",
        es="Anidado: todo se elige en la parte de entrenamiento de cada pliegue",
    ),
    "four": Text(
        en="The four features of the publisher's article, known beforehand",
        es="Las cuatro variables del artículo original, conocidas de antemano",
    ),
    "nine": Text(en="All nine features", es="Las nueve variables"),
}

_TABLE_3 = Text(
    en="| model | source | ± | 2.5 % | 97.5 % | ours | ± fold | ± repeat | 2.5 % | 97.5 % "
    "| t to MLP | p |",
    es="| modelo | fuente | ± | 2,5 % | 97,5 % | aquí | ± pliegue | ± repetición | 2,5 % | 97,5 % "
    "| t frente al MLP | p |",
)
_TABLE_4 = Text(en="| model | whose |", es="| modelo | de quién |")
_SOURCE = Text(en="source", es="fuente")
_OURS = Text(en="ours", es="aquí")
_PEEKED = Text(en="ours, threshold chosen on the test fold", es="aquí, umbral elegido en la prueba")
_AUC = Text(en="Table 3, area under the ROC curve", es="Tabla 3, área bajo la curva ROC")
_CONFUSION = Text(
    en="Table 4, rates of the confusion matrix; standard deviation by fold in brackets",
    es="Tabla 4, tasas de la matriz de confusión; desviación típica por pliegue entre paréntesis",
)
_CHOSEN = Text(
    en="Chosen most often: {features} ({count} of {folds} folds).",
    es="Lo elegido más a menudo: {features} ({count} de {folds} pliegues).",
)
_DOUBTS = Text(
    en="""\
What does not fit in the source's first row:

- Its ± of {published:.4f} is half of the other rows'. A fold of {positives:.0f} patients and \
{negatives:.0f} controls scatters by about {fold:.4f} at an AUC of {auc:.4f} (Hanley and \
McNeil), whatever the model; {published:.4f} is about what all {rows} rows at once have \
({whole:.4f}). Folds like those of the other rows do not give it.
- Its TPR and TNR have a mean of {balanced:.4f}, only {gap:.4f} below its AUC. That gap is \
{least:.4f} to {most:.4f} in the six rows below, and {last:.4f} in the last one. Ours, nested, \
is {ours:.4f}; it would be {peeked:.4f} with a threshold chosen on each test fold.""",
    es="""\
Lo que no encaja en la primera fila de la fuente:

- Su ± de {published:.4f} es la mitad del de las otras filas. Un pliegue de {positives:.0f} \
pacientes y {negatives:.0f} controles varía en unos {fold:.4f} con un AUC de {auc:.4f} (Hanley y \
McNeil), sea cual sea el modelo; {published:.4f} es más o menos lo que corresponde a las {rows} \
filas juntas ({whole:.4f}). Con pliegues como los de las otras filas no sale.
- La media de su TPR y su TNR es {balanced:.4f}, solo {gap:.4f} por debajo de su AUC. Esa \
distancia va de {least:.4f} a {most:.4f} en las seis filas siguientes, y es {last:.4f} en la \
última. La nuestra, anidada, es {ours:.4f}; sería {peeked:.4f} con un umbral elegido en cada \
pliegue de prueba.""",
)


@dataclass(frozen=True)
class Report:
    """An evaluation as text and as figures."""

    evaluation: Evaluation

    @cached_property
    def _aucs(self) -> dict[tuple[Features, str], Floats]:
        return {
            run: fold_aucs(self.evaluation.splits, scores)
            for run, scores in self.evaluation.scores.items()
        }

    def aucs(self, features: Features, model: str) -> Floats:
        """By fold."""
        return self._aucs[features, model]

    def metrics(self) -> dict[str, float]:
        """The MLP's figures."""
        found: dict[str, float] = {}
        for features in self._features():
            one = spread(self.aucs(features, BASE))
            found[f"auc_{features}"] = one.mean
            found[f"auc_{features}_by_fold"] = one.by_fold
            found[f"auc_{features}_by_repeat"] = one.by_repeat
        return found

    def text(self, language: Language) -> str:
        """All tables in Markdown, the nested ones first."""
        parts = []
        for features in self._features():
            parts.append(f"### {HEADINGS[features][language]}")
            if features == "nested":
                parts.append(self._chosen(language))
            parts += [f"{_AUC[language]}:", self._table_3(features, language)]
            parts += [f"{_CONFUSION[language]}:", self._table_4(features, language)]
            if features == "nested":
                parts.append(self._doubts(language))
        return "\n\n".join(parts)

    def _features(self) -> list[Features]:
        return list(dict.fromkeys(features for features, _ in self.evaluation.scores))

    def _chosen(self, language: Language) -> str:
        sets, counts = np.unique(np.array(self.evaluation.chosen), axis=0, return_counts=True)
        best = int(np.argmax(counts))
        return _CHOSEN[language].format(
            features=", ".join(COLUMNS[place].name for place in sets[best]),
            count=counts[best],
            folds=len(self.evaluation.splits),
        )

    def _table_3(self, features: Features, language: Language) -> str:
        lines = [_TABLE_3[language], "| --- |" + " ---: |" * 11]
        base = self.aucs(features, BASE)
        for model in MODELS:
            row, values = PUBLISHED[model], self.aucs(features, model)
            one = spread(values)
            cells = [
                *(row.mean, row.deviation, row.low, row.high),
                *(one.mean, one.by_fold, one.by_repeat, one.low, one.high),
            ]
            test = corrected_t_test(values, base)
            ends = ["", ""] if model == BASE else [f"{test.statistic:+.2f}", f"{test.p:.3f}"]
            lines.append(_row([row.name[language], *(f"{cell:.4f}" for cell in cells), *ends]))
        return "\n".join(lines)

    def _table_4(self, features: Features, language: Language) -> str:
        lines = [
            f"{_TABLE_4[language]} {' | '.join(RATES)} |",
            "| --- | --- |" + " ---: |" * len(RATES),
        ]
        splits = self.evaluation.splits
        for model in MODELS:
            row, scores = PUBLISHED[model], self.evaluation.scores[features, model]
            name = row.name[language]
            lines.append(_rates_row(name, _SOURCE[language], row.rates, row.deviations))
            lines.append(_measured_row(name, _OURS[language], fold_rates(splits, scores)))
            if model == BASE:
                peeked = fold_rates(splits, scores, best_threshold=True)
                lines.append(_measured_row(name, _PEEKED[language], peeked))
        return "\n".join(lines)

    def _doubts(self, language: Language) -> str:
        splits, row = self.evaluation.splits, PUBLISHED[BASE]
        labels = splits[0].labels
        positives, negatives = float(labels.sum()), float((1 - labels).sum())
        gap, *others, last = (
            other.mean - float(np.mean(other.rates[:2])) for other in PUBLISHED.values()
        )
        scores = self.evaluation.scores["nested", BASE]
        own = spread(self.aucs("nested", BASE)).mean
        ours, peeked = (
            own - float(fold_rates(splits, scores, best_threshold=best)[:, :2].mean())
            for best in (False, True)
        )
        balanced = float(np.mean(row.rates[:2]))
        return _DOUBTS[language].format(
            published=row.deviation,
            positives=positives / FOLDS,
            negatives=negatives / FOLDS,
            fold=auc_deviation(row.mean, positives / FOLDS, negatives / FOLDS),
            auc=row.mean,
            rows=len(labels),
            whole=auc_deviation(row.mean, positives, negatives),
            balanced=balanced,
            gap=gap,
            least=min(others),
            most=max(others),
            last=last,
            ours=ours,
            peeked=peeked,
        )


def _measured_row(name: str, whose: str, rates: Floats) -> str:
    return _rates_row(
        name, whose, np.nanmean(rates, axis=0).tolist(), np.nanstd(rates, axis=0, ddof=1).tolist()
    )


def _rates_row(name: str, whose: str, means: Sequence[float], deviations: Sequence[float]) -> str:
    pairs = zip(means, deviations, strict=True)
    return _row([name, whose, *(f"{mean:.4f} ({deviation:.4f})" for mean, deviation in pairs)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
