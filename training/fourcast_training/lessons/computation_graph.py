"""A computation graph: reverse-mode differentiation in one small class.

The example of "Neural Networks": z = (x / y + 5)² + x at x = 6, y = 2.

    w0 = x,  w1 = y,  w2 = w0 / w1 + 5,  w3 = w2²,  w4 = w3 + w0 = z

Forward, each node keeps its value and how fast it changes with each node it was made from.
Backward, starting from ∂z/∂z = 1, each node passes its derivative on by the chain rule:

    ∂z/∂w_i = Σ_j ∂z/∂w_j ∂w_j/∂w_i       over the nodes j made from i
"""

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourcast_training.lessons.presentation import Language, Lesson, Row, Text

X, Y = 6.0, 2.0


class Node:
    """A number that remembers what it was made from.

    Attributes:
        value: The number.
        parents: What it was made from, each with its local derivative ∂(this) / ∂(parent).
        derivative: ∂z / ∂(this) once `backward` has run from z.
    """

    def __init__(self, value: float, parents: Sequence[tuple["Node", float]] = ()) -> None:
        self.value = value
        self.parents = tuple(parents)
        self.derivative = 0.0

    def __add__(self, other: "Node | float") -> "Node":
        """∂(a + b) = ∂a + ∂b; a plain number has no derivative."""
        if isinstance(other, Node):
            return Node(self.value + other.value, [(self, 1.0), (other, 1.0)])
        return Node(self.value + other, [(self, 1.0)])

    def __truediv__(self, other: "Node") -> "Node":
        """∂(a / b) = ∂a / b - a ∂b / b²."""
        a, b = self.value, other.value
        return Node(a / b, [(self, 1 / b), (other, -a / b**2)])

    def __pow__(self, n: float) -> "Node":
        """∂(aⁿ) = n aⁿ⁻¹ ∂a."""
        return Node(self.value**n, [(self, n * self.value ** (n - 1))])

    def backward(self) -> None:
        """Give every node below this one its derivative."""
        self.derivative = 1.0
        for node in reversed(self._in_order()):
            for parent, local in node.parents:
                parent.derivative += node.derivative * local

    def _in_order(self) -> list["Node"]:
        """This node and all below it, parents before children."""
        order: list[Node] = []

        def visit(node: Node) -> None:
            if node not in order:
                for parent, _ in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
        return order


def example(x: float, y: float) -> dict[str, Node]:
    """The nodes of (x / y + 5)² + x, with their derivatives."""
    w0, w1 = Node(x), Node(y)
    quotient = w0 / w1
    w2 = quotient + 5.0
    w3 = w2**2
    w4 = w3 + w0
    w4.backward()
    return {"w0": w0, "w1": w1, "w0 / w1": quotient, "w2": w2, "w3": w3, "w4": w4}


def example_in_torch(x: float, y: float) -> dict[str, tuple[float, float]]:
    """Value and derivative of the same nodes by torch."""
    w0 = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    w1 = torch.tensor(y, dtype=torch.float64, requires_grad=True)
    quotient = w0 / w1
    w2 = quotient + 5
    w3 = w2**2
    w4 = w3 + w0
    nodes = {"w0": w0, "w1": w1, "w0 / w1": quotient, "w2": w2, "w3": w3, "w4": w4}
    derivatives = torch.autograd.grad(w4, list(nodes.values()))
    return {
        name: (node.item(), derivative.item())
        for (name, node), derivative in zip(nodes.items(), derivatives, strict=True)
    }


def rows() -> Sequence[Row]:
    """Values on the way forward, derivatives on the way back."""
    values = {"w0": "6", "w1": "2", "w2": "8", "w3": "64", "w4": "70"}
    derivatives = {"w4": "1", "w3": "1", "w2": "16", "w1": "-24", "w0": "9"}
    nodes, twins = example(X, Y), example_in_torch(X, Y)
    forward = [Row(w, slide, nodes[w].value, twins[w][0]) for w, slide in values.items()]
    backward = [
        Row(f"∂z/∂{w}", slide, nodes[w].derivative, twins[w][1]) for w, slide in derivatives.items()
    ]
    return forward + backward


PLACES = {
    "w0": (0.0, 1.0),
    "w1": (0.0, -1.0),
    "w0 / w1": (2.0, 0.0),
    "w2": (4.0, 0.0),
    "w3": (6.0, 0.0),
    "w4": (8.0, 0.0),
}
FORMULAS = {
    "w0": "w0 = x",
    "w1": "w1 = y",
    "w0 / w1": "w0 / w1",
    "w2": "w2 = w0 / w1 + 5",
    "w3": "w3 = w2²",
    "w4": "w4 = w3 + w0 = z",
}


def draw(figure: Figure, language: Language) -> None:
    """The graph: values going forward, derivatives coming back."""
    axes = figure.subplots()
    nodes = example(X, Y)
    names = {node: name for name, node in nodes.items()}
    for name, node in nodes.items():
        for parent, local in node.parents:
            _draw_edge(axes, PLACES[names[parent]], PLACES[name], node.derivative, local)
    for name, node in nodes.items():
        x, y = PLACES[name]
        axes.plot(x, y, "o", ms=48, color="white", mec="0.3", mew=1.5, zorder=2)
        axes.text(x, y + 0.04, f"{node.value:g}", color="tab:blue", ha="center", fontsize=14)
        axes.text(x, y - 0.24, f"{node.derivative:g}", color="tab:red", ha="center", fontsize=12)
        axes.text(x, y - 0.6, FORMULAS[name], ha="center", fontsize=11)
    axes.set(xlim=(-0.7, 8.9), ylim=(-1.8, 1.9), title=_TITLE[language])
    axes.axis("off")


def _draw_edge(
    axes: Axes,
    source: tuple[float, float],
    to: tuple[float, float],
    derivative: float,
    local: float,
) -> None:
    """An arrow, with what flows back along it: the derivative behind it times the local one."""
    is_long = to[0] - source[0] > 3
    curve = "arc3,rad=-0.22" if is_long else "arc3"
    style = {"arrowstyle": "-|>", "color": "0.6", "shrinkA": 24, "shrinkB": 24}
    axes.annotate("", to, source, arrowprops={**style, "connectionstyle": curve})
    x, y = ((a + b) / 2 for a, b in zip(source, to, strict=True))
    y += 1.05 if is_long else 0.12
    text = f"{derivative:g} · {local:g} = {derivative * local:g}"
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    axes.text(x, y, text, color="tab:red", ha="center", fontsize=9, bbox=box)


_TITLE = Text(
    en="z = (x / y + 5)² + x at (6, 2): values forward (blue), ∂z/∂node back (red)",
    es="z = (x / y + 5)² + x en (6, 2): valores hacia delante (azul), ∂z/∂nodo hacia atrás (rojo)",
)

LESSON = Lesson(
    title=Text(
        en="The computation graph: how a program finds derivatives",
        es="El grafo de computación: cómo un programa halla derivadas",
    ),
    explanation=Text(
        en="""
A formula is a graph of small operations. On the way forward each node computes its value and keeps
its local derivatives, which need only the values of its parents. On the way back each node hands
its derivative, times the local one, to each parent, and a parent adds up all that it is handed: x
gets 8 through the quotient and 1 through the last sum, 9 altogether.

One way back gives the derivatives for all inputs at once, whatever their number. That is why this
direction, and not the forward one, trains networks.
""",
        es="""
Una fórmula es un grafo de operaciones pequeñas. Hacia delante, cada nodo calcula su valor y guarda
sus derivadas locales, para las que bastan los valores de sus padres. Hacia atrás, cada nodo entrega
a cada padre su derivada por la local, y el padre suma todo lo que recibe: x recibe 8 a través del
cociente y 1 a través de la última suma, 9 en total.

Un solo recorrido hacia atrás da las derivadas respecto de todas las entradas a la vez, sean cuantas
sean. Por eso es este sentido, y no el otro, el que entrena las redes.
""",
    ),
    source="Neural Networks (002)",
    rows=rows,
    draw=draw,
)
