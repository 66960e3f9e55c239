"""The model card, in English and in Spanish, written from what was measured."""

from dataclasses import dataclass

from fourcast_training.advection.report import SOLVERS, Measured, Solver, summary, table
from fourcast_training.lessons.presentation import Language, Text

CARD = Text(
    en="""\
# {name}, version {version}

Solves the advection equation φ_t + u φ_x = 0 with u = 1 on the unit square: a wave sin 2πx at
t = 0 that moves without changing its form and leaves at one end to come in at the other. A network
of sines that has seen no value of the solution but those at t = 0: it was fitted to the equation,
at random points. [En español](README.es.md).

| tensor | | type and shape | meaning |
| --- | --- | --- | --- |
| `t` | input | FP64 [N] | time, 0 to 1 |
| `x` | input | FP64 [N] | place, 0 to 1 |
| `phi` | output | FP64 [N] | φ(t, x), -1 to 1 |

Fitted by: {method}, seed {seed}. Made by:

    {command}

## Why least squares is enough here

The equation is linear in φ, and the network is linear in its output weights. If the weights inside
stay random, each condition at each point is a linear equation for the output weights, and the best
ones are found by one factorisation: there is no descent, no bad start and no local minimum.
Training all weights makes the same problem nonlinear, slower and less exact. It is the way for
equations that are not linear, for which the short cut does not exist.

## Figures

On {points} random points (500 at t = 0, 500 at the ends, 10,000 inside). Errors are relative, in
the L2 norm on a grid of 101 x 101 points, each seed with points of its own. Classical solvers for
comparison. Processor time is that of all threads on the machine that made this card; other programs
ran beside it.

{table}

{summary}

## Limits

- It knows this one start, this speed and the unit square. Outside of 0 to 1 it means nothing.
- A Fourier series solves this problem exactly and at once. The network is here to be understood.

## Data and source

Problem and numbers of points: Á. Pérez Fernández and R. Rodríguez Galván, "Neural Networks". The
points are random; SHA-256 of those of the published network: `{hash}`.

## Licence

Apache-2.0, as the rest of fourcast.
""",
    es="""\
# {name}, versión {version}

Resuelve la ecuación de advección φ_t + u φ_x = 0 con u = 1 en el cuadrado unidad: una onda sen 2πx
en t = 0 que se mueve sin cambiar de forma, sale por un extremo y entra por el otro. Una red de
senos que no ha visto más valores de la solución que los de t = 0: se ajustó a la ecuación, en
puntos aleatorios. [In English](README.md).

| tensor | | tipo y forma | significado |
| --- | --- | --- | --- |
| `t` | entrada | FP64 [N] | tiempo, de 0 a 1 |
| `x` | entrada | FP64 [N] | lugar, de 0 a 1 |
| `phi` | salida | FP64 [N] | φ(t, x), de -1 a 1 |

Ajustada por: {method}, semilla {seed}. Se obtiene con:

    {command}

## Por qué aquí bastan los mínimos cuadrados

La ecuación es lineal en φ, y la red es lineal en sus pesos de salida. Si los pesos interiores se
quedan como se sortearon, cada condición en cada punto es una ecuación lineal para los pesos de
salida, y los mejores se hallan con una sola factorización: no hay descenso, ni mal comienzo, ni
mínimo local. Entrenar todos los pesos hace del mismo problema uno no lineal, más lento y menos
exacto. Es el camino para las ecuaciones que no son lineales, donde no existe este atajo.

## Resultados

Con {points} puntos aleatorios (500 en t = 0, 500 en los extremos, 10 000 en el interior). Los
errores son relativos, en la norma L2 sobre una malla de 101 x 101 puntos; cada semilla tiene sus
propios puntos. Dos métodos clásicos para comparar. El tiempo de procesador es el de todos los hilos
en la máquina que hizo esta ficha; otros programas corrían a la vez.

{table}

{summary}

## Límites

- Conoce este único comienzo, esta velocidad y el cuadrado unidad. Fuera de 0 a 1 no significa nada.
- Una serie de Fourier resuelve este problema exactamente y al instante. La red está aquí para ser
  comprendida.

## Datos y fuente

Problema y números de puntos: Á. Pérez Fernández y R. Rodríguez Galván, "Neural Networks". Los
puntos son aleatorios; SHA-256 de los de la red publicada: `{hash}`.

## Licencia

Apache-2.0, como el resto de fourcast.
""",
)

_POINTS = Text(en="11,000", es="11\N{NO-BREAK SPACE}000")


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes:
        command: What makes it again.
        solver: Whose network is published.
        seed: Of its points and weights.
        points_hash: SHA-256 of its points.
        measured: Every figure.
    """

    command: str
    solver: Solver
    seed: int
    points_hash: str
    measured: Measured


def write_card(name: str, version: int, result: Result, language: Language) -> str:
    """The card as Markdown."""
    return CARD[language].format(
        name=name,
        version=version,
        method=SOLVERS[result.solver][language],
        seed=result.seed,
        command=result.command,
        points=_POINTS[language],
        table=table(result.measured, language),
        summary=summary(result.measured, language),
        hash=result.points_hash,
    )
