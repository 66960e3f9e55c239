"""Losses: how wrong an answer is, as one number, and that number's gradient.

    mean squared error    (1/n) Σ (y - p)²           gradient by p   (2/n) (p - y)
    mean absolute error   (1/n) Σ |y - p|                            (1/n) sign(p - y)
    cross-entropy         -Σ y ln p                  by the logits of a softmax   p - y

The examples of "Neural Networks", and the gradient of a one-layer network in "Deep Learning
Python".
"""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch.nn import functional

from fourcast_training.lessons.presentation import Floats, Language, Lesson, Row, Table, Text

PREDICTED = np.array([[250.0, 300.0], [300.0, 400.0]])
REAL = np.array([[100.0, 150.0], [400.0, 200.0]])
PROBABILITIES = np.array([0.12, 0.48, 0.40])
LABEL = np.array([0.0, 1.0, 0.0])


def mean_squared_error(real: Floats, predicted: Floats) -> float:
    """(1/n) Σ (y - p)² over all n elements."""
    return float(np.mean((real - predicted) ** 2))


def mean_absolute_error(real: Floats, predicted: Floats) -> float:
    """(1/n) Σ |y - p| over all n elements."""
    return float(np.mean(np.abs(real - predicted)))


def cross_entropy(label: Floats, probabilities: Floats) -> float:
    """-Σ y ln p; for a label with a single 1, minus the logarithm of its probability."""
    return float(-np.sum(label * np.log(probabilities)))


def linear_gradient(x: Floats, t: Floats, w: Floats) -> Floats:
    """∇C of C(w) = (1/n) Σ (t_i - w·x_i)²: -(2/n) Σ (t_i - w·x_i) x_i, for x [n, m]."""
    return -2 / len(x) * (t - x @ w) @ x


def slide_linear_gradient(x: Floats, t: Floats, w: Floats) -> Floats:
    """What the slide prints: -Σ (t_i - w·x_i) x_i."""
    return -(t - x @ w) @ x


def linear_example() -> tuple[Floats, Floats, Floats]:
    """Five samples x [5, 2] with a constant 1 first, targets t [5], and weights w [2]."""
    x = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0], [1.0, 4.0]])
    return x, np.array([1.0, 3.0, 2.0, 5.0, 4.0]), np.array([0.5, 0.5])


def torch_linear_gradient() -> Floats:
    """The gradient of the example by torch."""
    x, t, w = (torch.from_numpy(array) for array in linear_example())
    gradient: Floats = torch.func.grad(lambda v: functional.mse_loss(x @ v, t))(w).numpy()
    return gradient


def softmax_gradient() -> tuple[Floats, Floats]:
    """The cross-entropy's gradient by the logits ln p: p - y, and by torch."""
    logits = torch.from_numpy(np.log(PROBABILITIES))
    target = torch.from_numpy(LABEL)
    twin = torch.func.grad(lambda z: functional.cross_entropy(z, target))(logits)
    return PROBABILITIES - LABEL, twin.numpy()


def rows() -> Sequence[Row]:
    """The slides' examples."""
    real, predicted = torch.from_numpy(REAL), torch.from_numpy(PREDICTED)
    logits, label = torch.from_numpy(np.log(PROBABILITIES)), torch.from_numpy(LABEL)
    ours, theirs = linear_gradient(*linear_example()), torch_linear_gradient()
    by_logits, twin = softmax_gradient()
    return [
        Row(
            _MSE,
            "",
            mean_squared_error(REAL, PREDICTED),
            functional.mse_loss(predicted, real).item(),
        ),
        Row(
            _MAE,
            "",
            mean_absolute_error(REAL, PREDICTED),
            functional.l1_loss(predicted, real).item(),
        ),
        Row(
            _CROSS_ENTROPY,
            "",
            cross_entropy(LABEL, PROBABILITIES),
            functional.cross_entropy(logits, label).item(),
        ),
        *(Row(f"(p - y)[{i + 1}]", "", by_logits[i], twin[i]) for i in range(3)),
        *(Row(f"∂C/∂w{i}", "", ours[i], theirs[i]) for i in range(2)),
    ]


def tables() -> Sequence[Table]:
    """The slide's gradient of the one-layer network beside the right one."""
    x, t, w = linear_example()
    right, slide = linear_gradient(x, t, w), slide_linear_gradient(x, t, w)
    return (
        Table(
            Text(
                en="One-layer network, n = 5 samples: the gradient and the slide's",
                es="Red de una capa, n = 5 muestras: el gradiente y el de la diapositiva",
            ),
            ("", "-(2/n) Σ (t - o) x", "-Σ (t - o) x"),
            [(f"∂C/∂w{i}", f"{right[i]:g}", f"{slide[i]:g}") for i in range(2)],
        ),
    )


def draw(figure: Figure, language: Language) -> None:
    """What one error costs, and what one probability costs."""
    left, right = figure.subplots(1, 2)
    errors = np.linspace(-3, 3, 301)
    left.plot(errors, errors**2, label=_MSE_NAME[language])
    left.plot(errors, np.abs(errors), label=_MAE_NAME[language])
    left.set(title=_REGRESSION[language], xlabel="p - y")
    left.legend()
    left.grid(alpha=0.3)
    p = np.linspace(0.005, 1, 400)
    right.plot(p, -np.log(p), label="-ln p")
    right.plot(p, (1 - p) ** 2, label="(1 - p)²")
    given = float(PROBABILITIES @ LABEL)
    here = (given, cross_entropy(LABEL, PROBABILITIES))
    right.plot(*here, "o", color="tab:red")
    text = f"p = {given:g}: {here[1]:.6f}"
    right.annotate(text, here, (0.5, 1.5), arrowprops={"arrowstyle": "->"})
    right.set(title=_CLASSIFICATION[language], xlabel=_PROBABILITY[language])
    right.legend()
    right.grid(alpha=0.3)


_MSE = Text(en="mean squared error", es="error cuadrático medio")
_MAE = Text(en="mean absolute error", es="error absoluto medio")
_CROSS_ENTROPY = Text(
    en="cross-entropy of (0.12, 0.48, 0.40)", es="entropía cruzada de (0.12, 0.48, 0.40)"
)
_MSE_NAME = Text(en="squared", es="cuadrático")
_MAE_NAME = Text(en="absolute", es="absoluto")
_REGRESSION = Text(en="regression: cost of an error", es="regresión: coste de un error")
_CLASSIFICATION = Text(
    en="classification: cost of a probability", es="clasificación: coste de una probabilidad"
)
_PROBABILITY = Text(
    en="probability p given to the right class", es="probabilidad p dada a la clase correcta"
)

LESSON = Lesson(
    title=Text(en="Losses: how wrong an answer is", es="Pérdidas: cuánto falla una respuesta"),
    explanation=Text(
        en="""
A loss turns answers and targets into one number to be made small. The squared error lets one large
miss outweigh many small ones, the absolute error does not. For classes the cross-entropy is minus
the logarithm of the probability that the right class was given: certain and wrong costs without
bound, and together with softmax its gradient is as simple as p - y.

The slides give predictions and targets and leave the arithmetic to the reader: with n = 4 elements
the errors are 150, 150, 100 and 200.
""",
        es="""
Una pérdida convierte respuestas y objetivos en un número que hay que hacer pequeño. Con el error
cuadrático un fallo grande pesa más que muchos pequeños; con el absoluto no. Para clases, la
entropía cruzada es menos el logaritmo de la probabilidad que se dio a la clase correcta: estar
seguro y equivocado cuesta sin límite, y junto con softmax su gradiente es tan simple como p - y.

Las diapositivas dan predicciones y objetivos y dejan las cuentas al lector: con n = 4 elementos los
errores son 150, 150, 100 y 200.
""",
    ),
    source="Neural Networks (002); Deep Learning Python (003)",
    rows=rows,
    tables=tables,
    remarks=(
        Text(
            en='"Deep Learning Python" differentiates C(w) = (1/n) Σ (t - o)² to -Σ (t - o) x; '
            "right is -(2/n) Σ (t - o) x. The direction is the same, the length n/2 times as long.",
            es="«Deep Learning Python» deriva C(w) = (1/n) Σ (t - o)² como -Σ (t - o) x; lo "
            "correcto es -(2/n) Σ (t - o) x. La dirección es la misma, y la longitud n/2 veces la "
            "correcta.",
        ),
    ),
    draw=draw,
)
