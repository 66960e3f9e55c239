"""The model card, in English and in Spanish, written from what was measured."""

from dataclasses import dataclass

from fourcast_models.tabular.coimbra import CLASSES, INPUTS, Feature
from fourcast_training.lessons.presentation import Language, Text
from fourcast_training.tabular.folds import FOLDS
from fourcast_training.tabular.mlp import Plan
from fourcast_training.tabular.report import Report

CARD = Text(
    en="""\
# {name}, version {version}

Sorts four measurements of a woman's blood and body into control group or patient with breast
cancer: a multilayer perceptron with three hidden layers of {units} ReLU units, with L1 and L2
penalties. The worked example of a course. **It is no medical device**: it learnt from {rows}
women of one hospital and says nothing about anybody else. [En español](README.es.md).

| tensor | | type and shape | meaning |
| --- | --- | --- | --- |
| `features` | input | FP32 [N, {count}] | {names}, as measured |
| `probabilities` | output | FP32 [N, 2] | of {classes}, calibrated; the sum is 1 |

| feature | unit | allowed | meaning |
| --- | --- | --- | --- |
{features}

Logarithm, scaling, network and calibration (Platt) are in the graph. Made by:

    {command}

## What was measured

{repeats} times {folds} stratified folds, the same for all models. In brackets and under ±:
standard deviations, by fold and by repeat. The t-test is the corrected resampled one of Nadeau
and Bengio. The source's figures stand beside ours. Gradient boosting is scikit-learn's, beside
the source's XGBoost.

{tables}

The network of this file was made in the same way from all rows: the inner folds chose first biases
of deviation {kinks:g} and an L2 penalty of {l2:g} beside an L1 penalty of {l1:g}.

## Limits

- The nested figure is the one to expect: with the four features given, the choice of these four,
  made by others on all rows, is not paid for. What the network can choose from in a training part
  (first biases, penalties, steps, rate) was put together by trying some twenty recipes on folds
  of the same rows, so its figures, nested ones too, have a little luck in them. The other models
  were not tuned at all.
- {rows} women of one hospital in Portugal. The controls are healthy, not women whom a doctor
  suspects something of; about half are patients, where in a screening very few are, and there
  nearly every alarm would be false.
- Outside the ranges above there was nobody, and the service refuses such values.

## Data and source

M. Patrício, J. Pereira, J. Crisóstomo, P. Matafome, M. Gomes, R. Seiça and F. Caramelo, "Using
Resistin, glucose, age and BMI to predict the presence of breast cancer", BMC Cancer 18 (2018),
29: UCI data set 451, CC BY 4.0. SHA-256 of the numbers: `{hash}`. The tables beside ours are
those of R. Gonzales Martinez and D.-M. van Dongen, Informatics in Medicine Unlocked 41 (2023),
101317, whose features include some that the data set does not have.

## Licence

Apache-2.0, as the rest of fourcast.
""",
    es="""\
# {name}, versión {version}

Clasifica cuatro medidas de la sangre y del cuerpo de una mujer: grupo de control o paciente con
cáncer de mama. Un perceptrón multicapa con tres capas ocultas de {units} unidades ReLU y
penalizaciones L1 y L2: el ejemplo resuelto de un curso. **No es un producto sanitario**: aprendió
de {rows} mujeres de un hospital y no dice nada de nadie más. [In English](README.md).

| tensor | | tipo y forma | significado |
| --- | --- | --- | --- |
| `features` | entrada | FP32 [N, {count}] | {names}, tal como se miden |
| `probabilities` | salida | FP32 [N, 2] | de {classes} (control, paciente), calibradas; suman 1 |

| variable | unidad | permitido | significado |
| --- | --- | --- | --- |
{features}

El logaritmo, el escalado, la red y la calibración (Platt) están en el grafo. Se obtiene con:

    {command}

## Lo que se ha medido

{repeats} veces {folds} pliegues estratificados, los mismos para todos los modelos. Entre
paréntesis y bajo ±: desviaciones típicas, por pliegue y por repetición. El contraste t es el
corregido para remuestreo de Nadeau y Bengio. Las cifras de la fuente figuran junto a las
nuestras. El boosting de gradiente es el de scikit-learn, junto al XGBoost de la fuente.

{tables}

La red de este fichero se hizo de la misma manera con todas las filas: los pliegues interiores
eligieron sesgos iniciales de desviación {kinks:g} y una penalización L2 de {l2:g} junto a una L1 de
{l1:g}.

## Límites

- La cifra anidada es la que cabe esperar: con las cuatro variables dadas no se paga la elección de
  esas cuatro, que otros hicieron con todas las filas. Aquello entre lo que la red puede elegir en
  una parte de entrenamiento (sesgos iniciales, penalizaciones, pasos, tasa) salió de probar unas
  veinte recetas en pliegues de las mismas filas, así que sus cifras, también las anidadas, tienen
  algo de suerte. Los demás modelos no se ajustaron.
- {rows} mujeres de un hospital de Portugal. Los controles son mujeres sanas, no mujeres en las
  que un médico sospecha algo; cerca de la mitad son pacientes, mientras que en un cribado lo son
  muy pocas, y ahí casi toda alarma sería falsa.
- Fuera de los intervalos de arriba no había nadie, y el servicio rechaza esos valores.

## Datos y fuente

M. Patrício, J. Pereira, J. Crisóstomo, P. Matafome, M. Gomes, R. Seiça y F. Caramelo, "Using
Resistin, glucose, age and BMI to predict the presence of breast cancer", BMC Cancer 18 (2018),
29: conjunto de datos 451 de UCI, CC BY 4.0. SHA-256 de los números: `{hash}`. Las tablas que
figuran junto a las nuestras son las de R. Gonzales Martinez y D.-M. van Dongen, Informatics in
Medicine Unlocked 41 (2023), 101317, cuyas variables incluyen algunas que el conjunto de datos no
tiene.

## Licencia

Apache-2.0, como el resto de fourcast.
""",
)

_SPANISH_MEANINGS = {
    "Age": "edad",
    "BMI": "índice de masa corporal",
    "Glucose": "glucosa en sangre en ayunas",
    "Resistin": "resistina en sangre",
}

_SPANISH_UNITS = {"years": "años"}

_TO = Text(en="to", es="a")


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes:
        command: What makes it again.
        rows: Of the table.
        plan: How the published network was made.
        report: What was measured.
        hash: SHA-256 of the table's numbers.
    """

    command: str
    rows: int
    plan: Plan
    report: Report
    hash: str


def write_card(name: str, version: int, result: Result, language: Language) -> str:
    """The card as Markdown."""
    return CARD[language].format(
        name=name,
        version=version,
        units=result.plan.recipe.hidden[0],
        rows=result.rows,
        count=len(INPUTS),
        names=", ".join(feature.name for feature in INPUTS),
        classes=", ".join(CLASSES),
        features="\n".join(_feature_row(feature, language) for feature in INPUTS),
        command=result.command,
        repeats=len(result.report.evaluation.splits) // FOLDS,
        folds=FOLDS,
        tables=result.report.text(language),
        kinks=result.plan.recipe.kinks,
        l1=result.plan.recipe.l1,
        l2=result.plan.recipe.l2,
        hash=result.hash,
    )


def _feature_row(feature: Feature, language: Language) -> str:
    meaning, unit = feature.meaning, feature.unit
    if language == "es":
        meaning, unit = _SPANISH_MEANINGS[feature.name], _SPANISH_UNITS.get(unit, unit)
    return (
        f"| {feature.name} | {unit} | {feature.minimum:g} {_TO[language]} {feature.maximum:g} "
        f"| {meaning} |"
    )
