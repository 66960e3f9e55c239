"""Momentum and Adam: a step remembers the steps before it.

    momentum   v ← α v - η ∇f(x),  x ← x + v

    Adam       m ← β1 m + (1 - β1) g          v ← β2 v + (1 - β2) g²
               m^ = m / (1 - β1^t)            v^ = v / (1 - β2^t)
               x ← x - η m^ / (√v^ + ε)

Two decks of slides print something else under the names of momentum and of gradient descent:

    x ← α x - η ∇f(x)            "Deep Learning Python"
    w ← w (1 - r) - r ∇f(w)      "Fundamentos de Deep Learning"

Both shrink the weights in every step, which is weight decay. Adam is printed in "Machine learning y
deep learning" (Kingma and Ba, 2015).
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from fourcast_training.lessons.presentation import Floats, Language, Lesson, Row, Table, Text

Gradient = Callable[[Floats], Floats]
Path = list[Floats]

START = np.array([0.0])
MINIMUM = 3.0
RATE, ALPHA, RATIO, STEPS = 0.1, 0.9, 0.04, 500

RAVINE = np.array([1.0, 50.0])
RAVINE_START = np.array([-4.0, 1.0])


def parabola_gradient(x: Floats) -> Floats:
    """∇f of f(x) = (x - 3)², whose minimum is at 3."""
    return 2 * (x - MINIMUM)


def ravine_gradient(x: Floats) -> Floats:
    """∇f of f(x, y) = (x² + 50 y²) / 2: fifty times as steep across as along."""
    return RAVINE * x


def slide_momentum(gradient: Gradient, x: Floats, rate: float, alpha: float, steps: int) -> Path:
    """What "Deep Learning Python" calls momentum: x ← α x - η ∇f(x)."""
    path = [x]
    for _ in range(steps):
        x = alpha * x - rate * gradient(x)
        path.append(x)
    return path


def slide_descent(gradient: Gradient, x: Floats, ratio: float, steps: int) -> Path:
    """What "Fundamentos de Deep Learning" calls descent: w ← w (1 - r) - r ∇f(w)."""
    path = [x]
    for _ in range(steps):
        x = x * (1 - ratio) - ratio * gradient(x)
        path.append(x)
    return path


def momentum(gradient: Gradient, x: Floats, rate: float, alpha: float, steps: int) -> Path:
    """Momentum, v ← α v - η ∇f(x), x ← x + v (Polyak, 1964); plain gradient descent where α = 0."""
    path, v = [x], np.zeros_like(x)
    for _ in range(steps):
        v = alpha * v - rate * gradient(x)
        x = x + v
        path.append(x)
    return path


def adam(
    gradient: Gradient,
    x: Floats,
    rate: float,
    steps: int,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> Path:
    """Adam as the slide prints it."""
    path, m, v = [x], np.zeros_like(x), np.zeros_like(x)
    for t in range(1, steps + 1):
        g = gradient(x)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        x = x - rate * m_hat / (np.sqrt(v_hat) + epsilon)
        path.append(x)
    return path


def walk_in_torch(
    optimizer: Callable[[list[Tensor]], torch.optim.Optimizer],
    function: Callable[[Tensor], Tensor],
    start: Floats,
    steps: int,
) -> Path:
    """The path of one of torch's optimisers, which finds the gradients itself."""
    x = torch.from_numpy(start.copy()).requires_grad_()
    stepper = optimizer([x])
    path = [start]
    for _ in range(steps):
        stepper.zero_grad()
        function(x).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        stepper.step()
        path.append(x.detach().numpy().copy())
    return path


def parabola(x: Tensor) -> Tensor:
    """(x - 3)², for torch."""
    return ((x - MINIMUM) ** 2).sum()


def ravine(x: Tensor) -> Tensor:
    """(x² + 50 y²) / 2, for torch."""
    return (torch.from_numpy(RAVINE) * x**2).sum() / 2


def paths() -> dict[str, tuple[Path, Path]]:
    """Each rule on (x - 3)², by this file and by torch.

    Torch has the slides' two rules only under another name: stochastic gradient descent with weight
    decay λ steps by x - η (∇f + λ x), which is theirs for λ = (1 - α) / η and for λ = 1.
    """
    sgd = torch.optim.SGD
    return {
        "αx - η∇f": (
            slide_momentum(parabola_gradient, START, RATE, ALPHA, STEPS),
            walk_in_torch(
                partial(sgd, lr=RATE, weight_decay=(1 - ALPHA) / RATE), parabola, START, STEPS
            ),
        ),
        "w(1 - r) - r∇f": (
            slide_descent(parabola_gradient, START, RATIO, STEPS),
            walk_in_torch(partial(sgd, lr=RATIO, weight_decay=1.0), parabola, START, STEPS),
        ),
        "v ← αv - η∇f, x + v": (
            momentum(parabola_gradient, START, RATE, ALPHA, STEPS),
            walk_in_torch(partial(sgd, lr=RATE, momentum=ALPHA), parabola, START, STEPS),
        ),
        "Adam": (
            adam(parabola_gradient, START, RATE, STEPS),
            walk_in_torch(partial(torch.optim.Adam, lr=RATE), parabola, START, STEPS),
        ),
    }


def rows() -> Sequence[Row]:
    """Where each rule ends on (x - 3)²."""
    return [
        Row(rule, "", ours[-1].item(), theirs[-1].item())
        for rule, (ours, theirs) in paths().items()
    ]


def steps_needed(path: Path, tolerance: float = 1e-3) -> int:
    """After how many steps a path stays this close to the origin."""
    far = [k for k, x in enumerate(path) if np.linalg.norm(x) >= tolerance]
    return far[-1] + 1 if far else 0


def ravine_paths() -> dict[str, Path]:
    """Three walks through the ravine."""
    return {
        "α = 0": momentum(ravine_gradient, RAVINE_START, 0.03, 0.0, 1000),
        "α = 0.8": momentum(ravine_gradient, RAVINE_START, 0.03, 0.8, 1000),
        "Adam": adam(ravine_gradient, RAVINE_START, 0.3, 1000),
    }


def tables() -> Sequence[Table]:
    """How long each walk through the ravine takes."""
    counts = {rule: steps_needed(path) for rule, path in ravine_paths().items()}
    return (
        Table(
            Text(
                en="(x² + 50 y²) / 2 from (-4, 1): steps until within 0.001 of the minimum",
                es="(x² + 50 y²) / 2 desde (-4, 1): pasos hasta estar a 0.001 del mínimo",
            ),
            (Text(en="rule", es="regla"), Text(en="steps", es="pasos")),
            [(rule, str(count)) for rule, count in counts.items()],
        ),
    )


def draw(figure: Figure, language: Language) -> None:
    """Every rule on the parabola over the steps, and the walks through the ravine."""
    left, right = figure.subplots(1, 2)
    for rule, (ours, _) in paths().items():
        left.plot(np.array(ours)[:120, 0], label=rule)
    left.axhline(MINIMUM, color="0.5", linestyle=":")
    left.set(title=_ENDS[language], xlabel=_STEP[language], ylabel="x")
    left.legend()
    x, y = np.meshgrid(np.linspace(-5, 2.5, 80), np.linspace(-1.2, 1.2, 80))
    right.contour(x, y, x**2 + 50 * y**2, 25, cmap="Greys", linewidths=0.7)
    for rule, path in ravine_paths().items():
        right.plot(*np.array(path)[:60].T, "o-", ms=3, lw=1, label=rule)
    right.set(title=_RAVINE[language], xlabel="x", ylabel="y")
    right.legend()


_ENDS = Text(
    en="(x - 3)² from 0: only two rules find the minimum",
    es="(x - 3)² desde 0: solo dos reglas encuentran el mínimo",
)
_STEP = Text(en="step", es="paso")
_RAVINE = Text(en="a ravine: sixty steps of each rule", es="un barranco: sesenta pasos por regla")

LESSON = Lesson(
    title=Text(en="Momentum and Adam: steps that remember", es="Momento y Adam: pasos con memoria"),
    explanation=Text(
        en="""
Momentum gives the walk a velocity v. The share α of it is kept from step to step and the slope
changes it, as gravity changes that of a rolling ball: v ← αv - η∇f(x), x ← x + v. Across a ravine
the slopes of successive steps cancel, along it they add up.

What has to be multiplied by α is the velocity. Multiply the place x itself, as two decks of slides
do, and every step also pulls x towards 0. On (x - 3)² both rules then end at 2 instead of 3. The
same steps are known, and useful, as gradient descent with weight decay; torch, asked for that,
walks the same path.

Adam divides a running mean of the slopes by the root of a running mean of their squares, so each
coordinate gets a step of its own length.
""",
        es="""
El momento da al camino una velocidad v. De paso en paso se conserva la proporción α de ella y la
pendiente la cambia, como la gravedad cambia la de una bola que rueda: v ← αv - η∇f(x), x ← x + v. A
lo ancho de un barranco las pendientes de pasos sucesivos se cancelan; a lo largo se suman.

Lo que se multiplica por α es la velocidad. Si se multiplica el lugar x, como hacen dos juegos de
diapositivas, cada paso tira además de x hacia 0. En (x - 3)² ambas reglas acaban en 2 en lugar de
3. Esos mismos pasos se conocen, y son útiles, como descenso de gradiente con decaimiento de pesos;
torch, si se le pide eso, recorre el mismo camino.

Adam divide una media móvil de las pendientes por la raíz de una media móvil de sus cuadrados, y así
cada coordenada recibe un paso de su propia longitud.
""",
    ),
    source="Deep Learning Python (003); Fundamentos de Deep Learning (004); "
    "Machine learning y deep learning (001)",
    rows=rows,
    tables=tables,
    remarks=(
        Text(
            en='The slide\'s "momentum", αx - η∇f, is weight decay: it ends at 2 and not at the '
            "minimum 3. Right is v ← αv - η∇f, x ← x + v.",
            es="El «momento» de la diapositiva, αx - η∇f, es decaimiento de pesos: acaba en 2 y no "
            "en el mínimo 3. Lo correcto es v ← αv - η∇f, x ← x + v.",
        ),
        Text(
            en="The slide's descent, w(1 - r) - r∇f, is weight decay as well and ends at 2, too. "
            "Right is w - r∇f.",
            es="El descenso de la diapositiva, w(1 - r) - r∇f, también es decaimiento de pesos y "
            "también acaba en 2. Lo correcto es w - r∇f.",
        ),
    ),
    draw=draw,
)
