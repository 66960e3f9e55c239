"""Gradient descent: walk against the slope, a step as long as the slope is steep.

    x_{k+1} = x_k - η ∇f(x_k)

The examples of "Deep Learning Python": f(x) = 2x² cos x - 5x from -1, f(x) = x cos x, and
f(x, y) = x² + 3y from (-10, 10).
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from fourcast_training.lessons.presentation import Floats, Language, Lesson, Row, Table, Text

WAVE_START, WAVE_RATE, WAVE_STEPS = np.array(-1.0), 0.05, 20
BOWL_START, BOWL_RATE, BOWL_STEPS = np.array([-10.0, 10.0]), 0.1, 3
MANY_STARTS = (-5.0, -2.0, 1.0, 2.0, 5.0)


def wave(x: Floats) -> Floats:
    """f(x) = 2x² cos x - 5x."""
    return 2 * x**2 * np.cos(x) - 5 * x


def wave_slope(x: Floats) -> Floats:
    """f'(x) = 4x cos x - 2x² sin x - 5."""
    return 4 * x * np.cos(x) - 2 * x**2 * np.sin(x) - 5


def valleys(x: Floats) -> Floats:
    """f(x) = x cos x."""
    return x * np.cos(x)


def valleys_slope(x: Floats) -> Floats:
    """f'(x) = cos x - x sin x."""
    return np.cos(x) - x * np.sin(x)


def bowl(point: Floats) -> Floats:
    """f(x, y) = x² + 3y at points [..., 2]."""
    x, y = point[..., 0], point[..., 1]
    return x**2 + 3 * y


def bowl_gradient(point: Floats) -> Floats:
    """∇f = (2x, 3)."""
    x = point[..., 0]
    return np.stack([2 * x, np.full_like(x, 3.0)], axis=-1)


def descend(
    gradient: Callable[[Floats], Floats], start: Floats, rate: float, steps: int
) -> list[Floats]:
    """The start and every point after it: x_{k+1} = x_k - η ∇f(x_k)."""
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - rate * gradient(path[-1]))
    return path


def descend_in_torch(
    function: Callable[[Tensor], Tensor], start: Floats, rate: float, steps: int
) -> list[Tensor]:
    """The same by torch, which finds the gradient itself."""
    x = torch.from_numpy(start.copy()).requires_grad_()
    optimizer = torch.optim.SGD([x], lr=rate)
    path = [x.detach().clone()]
    for _ in range(steps):
        optimizer.zero_grad()
        function(x).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        path.append(x.detach().clone())
    return path


def torch_wave(x: Tensor) -> Tensor:
    """The wave, for torch."""
    return 2 * x**2 * torch.cos(x) - 5 * x


def torch_bowl(point: Tensor) -> Tensor:
    """The bowl, for torch."""
    return point[0] ** 2 + 3 * point[1]


def rows() -> Sequence[Row]:
    """The slides' iterates."""
    path = descend(wave_slope, WAVE_START, WAVE_RATE, WAVE_STEPS)
    torch_path = descend_in_torch(torch_wave, WAVE_START, WAVE_RATE, WAVE_STEPS)
    slope = torch.func.grad(torch_wave)
    slides = {0: ("-1", "6.08"), 1: ("-0.726", "4.419"), 2: ("-0.402", "2.311")}
    found = []
    for k, (x, f) in slides.items():
        found.append(Row(f"x{k}", x, float(path[k]), torch_path[k].item()))
        found.append(Row(f"f(x{k})", f, float(wave(path[k])), torch_wave(torch_path[k]).item()))
        if k < 2:
            ours, theirs = float(wave_slope(path[k])), slope(torch_path[k]).item()
            found.append(
                Row(f"f'(x{k})", "-5.478", ours, theirs, wrong=_OLD_SLOPE if k == 1 else None)
            )
    found.append(Row("x20", "", float(path[20]), torch_path[20].item()))
    plane = descend(bowl_gradient, BOWL_START, BOWL_RATE, BOWL_STEPS)
    torch_plane = descend_in_torch(torch_bowl, BOWL_START, BOWL_RATE, BOWL_STEPS)
    for k, slide in enumerate(("130", "93.1", "69.16", "53.51")):
        ours, theirs = float(bowl(plane[k])), torch_bowl(torch_plane[k]).item()
        found.append(Row(f"x² + 3y, k = {k}", slide, ours, theirs))
    return found


def minimum_near(slope: Callable[[Floats], Floats], start: float) -> float:
    """Where a patient descent with short steps ends."""
    return float(descend(slope, np.array(start), 0.02, 2000)[-1])


def tables() -> Sequence[Table]:
    """Where the wave's descent ends, and where those of x cos x do."""
    lowest = minimum_near(wave_slope, 3.5)
    ends = [(start, minimum_near(valleys_slope, start)) for start in MANY_STARTS]
    return (
        Table(
            Text(en="The minimum of 2x² cos x - 5x", es="El mínimo de 2x² cos x - 5x"),
            ("x", "f(x)", "f'(x)"),
            [(f"{lowest:.6f}", f"{_at(wave, lowest):.6f}", f"{_at(wave_slope, lowest):.0e}")],
        ),
        Table(
            Text(
                en="x cos x: every start rolls into the valley that it stands in",
                es="x cos x: cada comienzo rueda al valle en el que está",
            ),
            (Text(en="start", es="comienzo"), Text(en="end", es="final"), "f"),
            [(f"{start:g}", f"{end:.6f}", f"{_at(valleys, end):.6f}") for start, end in ends],
        ),
    )


def draw(figure: Figure, language: Language) -> None:
    """The wave with its twenty steps, the valleys with five descents, the tilted channel."""
    left, middle, right = figure.subplots(1, 3)
    path = np.array(descend(wave_slope, WAVE_START, WAVE_RATE, WAVE_STEPS))
    x = np.linspace(-2, 5, 300)
    left.plot(x, wave(x), color="0.6")
    left.plot(path, wave(path), "o-", ms=4, lw=1, color="tab:red")
    left.set(title=_WAVE[language], xlabel="x", ylabel="f(x)")
    x = np.linspace(-8, 5.5, 300)
    middle.plot(x, valleys(x), color="0.6")
    for start in MANY_STARTS:
        _draw_fall(middle, start)
    middle.set(title=_VALLEYS[language], xlabel="x", ylabel="x cos x")
    long_path = np.array(descend(bowl_gradient, BOWL_START, BOWL_RATE, 60))
    x, y = np.meshgrid(np.linspace(-11, 6, 80), np.linspace(-10, 12, 80))
    heights = right.contourf(x, y, bowl(np.stack([x, y], axis=-1)), 20, cmap="viridis")
    right.plot(*long_path.T, "o-", ms=3, lw=1, color="tab:red")
    right.set(title=_CHANNEL[language], xlabel="x", ylabel="y", ylim=(-10, 12))
    figure.colorbar(heights, ax=right, label="x² + 3y")


def _draw_fall(axes: Axes, start: float) -> None:
    path = np.array(descend(valleys_slope, np.array(start), 0.05, 100))
    (line,) = axes.plot(path, valleys(path), "-", lw=2)
    axes.plot(path[0], valleys(path[0]), "o", color=line.get_color())
    axes.plot(path[-1], valleys(path[-1]), "*", ms=13, color=line.get_color())


def _at(function: Callable[[Floats], Floats], x: float) -> float:
    return float(function(np.array(x)))


_OLD_SLOPE = Text(
    en="The slide repeats the slope at x0; its own x2 was computed with the right one.",
    es="La diapositiva repite la pendiente en x0; su propio x2 se calculó con la correcta.",
)
_WAVE = Text(en="2x² cos x - 5x: 20 steps from -1", es="2x² cos x - 5x: 20 pasos desde -1")
_VALLEYS = Text(
    en="x cos x: ● start, ★ nearest minimum", es="x cos x: ● comienzo, ★ mínimo más cercano"
)
_CHANNEL = Text(en="x² + 3y: no bottom", es="x² + 3y: sin fondo")

LESSON = Lesson(
    title=Text(
        en="Gradient descent: walk against the slope",
        es="Descenso de gradiente: caminar contra la pendiente",
    ),
    explanation=Text(
        en="""
The derivative says how steep a function is and in which direction it rises. To go down, take a step
against it: x ← x - η f'(x). The learning rate η sets how long the step is for a given slope.

With η = 0.05 the walk on 2x² cos x - 5x reaches the valley after twelve steps and then jumps from
one side of it to the other, each time a little closer to the minimum: the valley is narrow for this
η. On x cos x the walk ends in whichever valley it starts in; from several starts one keeps the best
end. And x² + 3y has no minimum at all: its value falls for ever as y does.
""",
        es="""
La derivada dice cuánta pendiente tiene una función y hacia dónde sube. Para bajar se da un paso en
contra: x ← x - η f'(x). La tasa de aprendizaje η fija la longitud del paso para cada pendiente.

Con η = 0.05 el camino sobre 2x² cos x - 5x llega al valle tras doce pasos y después salta de un
lado al otro, cada vez un poco más cerca del mínimo: el valle es estrecho para esta η. En x cos x el
camino acaba en el valle en el que empieza; se prueban varios comienzos y se guarda el mejor final.
Y x² + 3y no tiene mínimo: su valor baja para siempre con y.
""",
    ),
    source="Deep Learning Python (003)",
    rows=rows,
    tables=tables,
    remarks=(
        Text(
            en="The slides write x2 = x1 - η f'(x0) and name the last value of x² + 3y f(x2): "
            "f'(x1) and f(x3) are meant.",
            es="Las diapositivas escriben x2 = x1 - η f'(x0) y llaman f(x2) al último valor de "
            "x² + 3y: debe ser f'(x1) y f(x3).",
        ),
        Text(
            en='The slides call the gradient the "curvature" of f: it is the slope; the curvature '
            "is the second derivative.",
            es="Las diapositivas llaman «curvatura» de f al gradiente: es la pendiente; la "
            "curvatura es la segunda derivada.",
        ),
        Text(
            en='"Matemáticas del Deep Learning" (3.3) steps by the whole gradient, p - ∇Cost(p); '
            "without a learning rate such steps may climb. Its (3.5) to (3.7) have one.",
            es="«Matemáticas del Deep Learning» (3.3) avanza el gradiente entero, p - ∇Cost(p); "
            "sin tasa de aprendizaje esos pasos pueden subir. Sus (3.5) a (3.7) la tienen.",
        ),
    ),
    draw=draw,
    size=(14, 4.4),
)
