"""The network of 2-2-3-2 sigmoid neurons by hand: forward, cost and gradient.

Equation numbers are those of F. Vadillo, "Matemáticas del Deep Learning" (2025). The 23 parameters
are one vector p, so that a step of the gradient method is one line:

    p = (W2 by rows, W3 by rows, W4 by rows, b2, b3, b4)

numba compiles these functions as they stand, for the million steps of `descent`; without the
decorators they are the same NumPy. What it compiles stays in this one file, because its cache on
disk notices a change of a function's own file only.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]

PARAMETERS = 23

Order = npt.NDArray[np.int64]
"""Which points each step looks at, [steps, points in a step]."""


@njit(cache=True)
def layers(p: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    """The weights W2 [2, 2], W3 [3, 2], W4 [2, 3] and biases b2 [2], b3 [3], b4 [2] in p [23]."""
    w2, w3, w4 = p[0:4].reshape(2, 2), p[4:10].reshape(3, 2), p[10:16].reshape(2, 3)
    return w2, w3, w4, p[16:18], p[18:21], p[21:23]


@njit(cache=True)
def sigmoid(z: Floats) -> Floats:
    """Definition 2.1: f(z) = 1 / (1 + exp(-z)); its derivative is f (1 - f)."""
    return 1.0 / (1.0 + np.exp(-z))


@njit(cache=True)
def activations(p: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
    """Equations 3.9 and 3.10: a2 [2], a3 [3] and the output a4 [2] at one point x [2]."""
    w2, w3, w4, b2, b3, b4 = layers(p)
    a2 = sigmoid(w2 @ x + b2)
    a3 = sigmoid(w3 @ a2 + b3)
    a4 = sigmoid(w4 @ a3 + b4)
    return a2, a3, a4


@njit(cache=True)
def gradient(p: Floats, x: Floats, y: Floats) -> Floats:
    """The gradient [23] of the cost 3.8 at one point x [2] with target y [2]."""
    _, w3, w4, _, _, _ = layers(p)
    a2, a3, a4 = activations(p, x)
    delta4 = a4 * (1.0 - a4) * (a4 - y)  # (3.12)
    delta3 = a3 * (1.0 - a3) * (w4.T @ delta4)  # (3.13)
    delta2 = a2 * (1.0 - a2) * (w3.T @ delta3)  # (3.13)
    return np.concatenate(
        (
            np.outer(delta2, x).ravel(),  # (3.15)
            np.outer(delta3, a2).ravel(),  # (3.15)
            np.outer(delta4, a3).ravel(),  # (3.15)
            delta2,  # (3.14)
            delta3,  # (3.14)
            delta4,  # (3.14)
        )
    )


@njit(cache=True)
def walk(p: Floats, order: Order, rate: float, points: Floats, targets: Floats) -> None:
    """A step for each row of the order, in place: (3.7), of which (3.5) and (3.6) are m = 1."""
    for chosen in order:
        total = np.zeros_like(p)
        for i in chosen:
            total += gradient(p, points[i], targets[i])
        p -= rate / len(chosen) * total


@njit(cache=True)
def outputs(p: Floats, points: Floats) -> Floats:
    """F of equation 2.3 at points [N, 2], float64 [N, 2]; the larger one names the category."""
    found = np.empty((len(points), 2))
    for i in range(len(points)):
        found[i] = activations(p, points[i])[2]
    return found


def cost(p: Floats, points: Floats, targets: Floats) -> float:
    """Equation 3.1: the mean over the points of half the squared distance to the target."""
    return float(np.mean(0.5 * np.sum((outputs(p, points) - targets) ** 2, axis=1)))
