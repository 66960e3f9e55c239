"""A network that starts where a smaller one ended (Net2Net; Chen, Goodfellow and Shlens, 2016).

It answers as that one does: what is new in a layer is not read by the next. From there it learns to
use what it has more.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


@torch.no_grad()
def widen(layer: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy weights to the first channels of layers; those do not read the new channels.

    Args:
        layer: One or more of them.
        weights: The `state_dict` of layers of the same names, as wide or less.

    Raises:
        KeyError: If one is missing.
        RuntimeError: If they are wider.
    """
    for name, own in layer.state_dict().items():
        theirs = weights[name]
        if own.dim() != theirs.dim() or any(
            new < old for new, old in zip(own.shape, theirs.shape, strict=True)
        ):
            raise RuntimeError(f"size mismatch: {list(theirs.shape)} into {list(own.shape)}")
        if own.dim() > 1:
            own[: len(theirs), theirs.shape[1] :] = 0
        own[tuple(slice(size) for size in theirs.shape)] = theirs
