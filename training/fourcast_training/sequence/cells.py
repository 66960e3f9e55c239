"""What reads a window of returns: a perceptron, an LSTM, and a GRU that is not torch's.

The LSTM is torch's; with its two biases added up it has the course's equations (Hochreiter and
Schmidhuber, 1997; Gers et al., 2000).

torch's GRU applies the reset gate after the product with the recurrent weights, which ONNX calls
``linear_before_reset=1``. The course's GRU, as Cho et al. (2014), applies it to the state before:
``linear_before_reset=0``. That is another network with another answer, so it stands here as a cell
of its own, and the exported graph holds it as plain operators.
"""

from typing import Literal

import torch
from torch import Tensor, nn

Architecture = Literal["mlp", "lstm", "gru"]


class Perceptron(nn.Module):
    """Two hidden layers over the whole window."""

    def __init__(self, steps: int, channels: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(steps * channels, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
        )

    def forward(self, window: Tensor) -> Tensor:
        """Float32 [N, steps, channels] to float32 [N, hidden]."""
        answer: Tensor = self.layers(window)
        return answer


class Lstm(nn.Module):
    """Layers of LSTM cells, of which the state after the last step is kept."""

    def __init__(self, channels: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.cells = nn.LSTM(
            channels, hidden, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0
        )

    def forward(self, window: Tensor) -> Tensor:
        """Float32 [N, steps, channels] to float32 [N, hidden]."""
        states: Tensor = self.cells(window)[0]
        return states[:, -1]


class GruCell(nn.Module):
    """One step of the course's GRU.

    With ``[h, x]`` the state beside the input and ``s`` the logistic function:
    ``z = s(W_z [h, x] + b_z)``, ``r = s(W_r [h, x] + b_r)``, ``c = tanh(W_h [r h, x] + b_h)``,
    ``h' = (1 - z) h + z c``.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.gates = nn.Linear(hidden + channels, 2 * hidden)
        self.candidate = nn.Linear(hidden + channels, hidden)

    def forward(self, state: Tensor, step: Tensor) -> Tensor:
        """The next state [N, hidden] from the state and an input [N, channels]."""
        gates = torch.sigmoid(self.gates(torch.cat([state, step], dim=1)))
        update, reset = gates.chunk(2, dim=1)
        candidate = torch.tanh(self.candidate(torch.cat([reset * state, step], dim=1)))
        return state + update * (candidate - state)


class Gru(nn.Module):
    """A layer of `GruCell`, of which the state after the last step is kept."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.cell = GruCell(channels, hidden)

    def forward(self, window: Tensor) -> Tensor:
        """Float32 [N, steps, channels] to float32 [N, hidden]."""
        state = window.new_zeros(window.shape[0], self.hidden)
        for step in window.unbind(dim=1):
            state = self.cell(state, step)
        return state
