"""The model card, in English and in Spanish, written from what was measured."""

from dataclasses import dataclass

from fourcast_training.lessons.presentation import Language, Text
from fourcast_training.oil.data import POINTS, points_hash
from fourcast_training.oil.descent import Method
from fourcast_training.oil.report import METHODS, Figures, Seeds, table

CARD = Text(
    en="""\
# {name}, version {version}

Says where on a square there should be oil, from ten wells that found it or did not. A network of
2-2-3-2 sigmoid neurons with 23 parameters: the worked example of a course, small enough to be
followed by hand. It knows ten points of an invented map. [En español](README.es.md).

| tensor | | type and shape | meaning |
| --- | --- | --- | --- |
| `point` | input | FP64 [N, 2] | the two coordinates of a place, 0 to 1 |
| `categories` | output | FP64 [N, 2] | near (1, 0): oil; near (0, 1): none. The larger one \
decides; they are no probabilities |

Fitted by {method}, seed {seed}. Made by:

    {command}

## The ten points

The cost is the mean of half the squared distance to the target (equation 2.5 of the source). The
stochastic gradient takes {steps} steps of length {rate}; a mini-batch has {batch} points.

{table}

Nonlinear least squares classifies all ten points from {perfect} of {seeds} seeds.
`fourcast-train oil --evaluate` measures the published file again.

## Limits

- Ten points were learnt and none was kept for a test. Fitted to nine of them, the network names
  the tenth right in {left_out:.1%} of {trials} fits.
- Between the points, fits from different seeds disagree; the picture of a run shows where.

## Data and source

The ten points are those of C. F. Higham and D. J. Higham, "Deep Learning: An Introduction for
Applied Mathematicians", SIAM Review 61 (2019), 860-891. SHA-256 of points and targets: `{hash}`.
The network and its equations follow F. Vadillo, "Matemáticas del Deep Learning" (2025).

## Licence

Apache-2.0, as the rest of fourcast.
""",
    es="""\
# {name}, versión {version}

Dice en qué lugares de un cuadrado debería haber petróleo, a partir de diez pozos que lo
encontraron o no. Una red de 2-2-3-2 neuronas sigmoides con 23 parámetros: el ejemplo resuelto de un
curso, tan pequeño que se puede seguir a mano. Conoce diez puntos de un mapa inventado.
[In English](README.md).

| tensor | | tipo y forma | significado |
| --- | --- | --- | --- |
| `point` | entrada | FP64 [N, 2] | las dos coordenadas de un lugar, de 0 a 1 |
| `categories` | salida | FP64 [N, 2] | cerca de (1, 0): petróleo; cerca de (0, 1): no lo hay. \
Decide la mayor; no son probabilidades |

Ajustada por {method}, semilla {seed}. Se obtiene con:

    {command}

## Los diez puntos

El coste es la media de la mitad de la distancia al objetivo al cuadrado (ecuación 2.5 de la
fuente). El gradiente estocástico da {steps} pasos de longitud {rate}; un mini-lote tiene {batch}
puntos.

{table}

Los mínimos cuadrados no lineales clasifican bien los diez puntos con {perfect} de {seeds} semillas.
`fourcast-train oil --evaluate` vuelve a medir el fichero publicado.

## Límites

- Se aprendieron diez puntos y ninguno se guardó para una prueba. Ajustada a nueve de ellos, la red
  acierta el décimo en el {left_out:.1%} de {trials} ajustes.
- Entre los puntos, los ajustes de semillas distintas no coinciden; la figura de una ejecución
  muestra dónde.

## Datos y fuente

Los diez puntos son los de C. F. Higham y D. J. Higham, "Deep Learning: An Introduction for Applied
Mathematicians", SIAM Review 61 (2019), 860-891. SHA-256 de puntos y objetivos: `{hash}`. La red y
sus ecuaciones siguen a F. Vadillo, "Matemáticas del Deep Learning" (2025).

## Licencia

Apache-2.0, como el resto de fourcast.
""",
)

_THOUSANDS = Text(en=",", es="\N{NO-BREAK SPACE}")
"""What separates groups of three digits."""


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes:
        command: What makes it again.
        method: Whose parameters are published.
        seed: Of its first parameters.
        steps: Of the stochastic gradient.
        rate: The length of its steps.
        batch: Points in its mini-batches.
        figures: Of every method.
        seeds: Least squares from many seeds.
    """

    command: str
    method: Method
    seed: int
    steps: int
    rate: float
    batch: int
    figures: dict[Method, Figures]
    seeds: Seeds


def write_card(name: str, version: int, result: Result, language: Language) -> str:
    """The card as Markdown."""
    count = len(result.seeds.right)
    return CARD[language].format(
        name=name,
        version=version,
        method=METHODS[result.method][language],
        seed=result.seed,
        command=result.command,
        steps=f"{result.steps:,}".replace(",", _THOUSANDS[language]),
        rate=result.rate,
        batch=result.batch,
        table=table(result.figures, language),
        perfect=result.seeds.perfect,
        seeds=count,
        left_out=result.seeds.left_out_right,
        trials=count * len(POINTS),
        hash=points_hash(),
    )
