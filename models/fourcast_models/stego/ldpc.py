"""Low-density parity-check codes for any length, with soft decoding.

The codes are systematic irregular repeat-accumulate codes (Jin, Khandekar and McEliece, 2000). The
k bits of a word are followed by m parity bits. Parity bit j is the sum (modulo 2) of parity bit
j - 1 and of a few bits of the word, the same number for every j give or take one::

    p[j] = p[j - 1] + w[a] + w[b] + ...        so p[j-1] + p[j] + w[a] + w[b] + ... = 0: check j

Which ones is drawn from a fixed public seed, so hider and finder have the same code without saying.
Some bits of the word take part in more checks than others; `_DENSE` has the shares, after the code
rates of DVB-S2 (ETSI EN 302 307), which has codes of this kind.

Decoding is belief propagation (Gallager, 1962; Richardson and Urbanke, 2001). It reads how sure
each bit is. A Reed-Solomon code over bytes of the same rate (0.55) could correct 22 % of its bytes,
so 3 % of wrong bits, because one wrong bit spoils eight; this one corrects 7 % where nothing is
said about which are unsure, and more where it is.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint8]
Soft = npt.NDArray[np.float32]
"""How sure bits are: see `decode`."""

_SPARSE_DEGREE = 3
"""Checks in which most bits of a word take part."""

_DENSE = ((0.45, 1 / 3, 12), (0.8, 0.4, 8), (1.0, 0.1, 4))
"""Up to this code rate, this share of the word takes part in this many checks."""

_LEVEL = 3.0
"""Soft values are scaled to this root mean square before they count as log-likelihood ratios: about
that of a wrapped Gaussian at the error rates where decoding is hard, and elsewhere it is easy."""

KNOWN_ZERO = np.float32(-1e4)
"""The soft value of a bit that is known to be 0, where the others are about 1."""

_QUICK_ROUNDS, _FEW_FAILING = 3, 0.05
"""How often, and up to which share of failing checks, the quick way is tried."""

_LIMIT, _TINY, _ALMOST_ONE = np.float32(16), np.float32(1e-7), np.float32(1 - 1e-6)
"""Bounds that keep hyperbolic tangents and their inverses finite in float32."""


@dataclass(frozen=True, slots=True)
class Code:
    """One code.

    Attributes:
        word: Bits of a word, k.
        length: Bits of a codeword, n = k + m.
        checks: Int32 [m, d]: the codeword's bits that each check sums; n stands for none.
    """

    word: int
    length: int
    checks: npt.NDArray[np.int32]


@lru_cache(maxsize=16)
def make_code(word: int, length: int) -> Code:
    """The code with this many bits of a word and of a codeword.

    Raises:
        ValueError: If there is no room for at least eight parity bits.
    """
    parity = length - word
    if word < 1 or parity < 8:
        raise ValueError(f"no code has {word} bits in a word and {length} in a codeword")
    share, degree = next((s, d) for rate, s, d in _DENSE if word / length <= rate)
    dense = np.arange(round(share * word), dtype=np.int32)
    layers = [np.arange(word, dtype=np.int32)] * _SPARSE_DEGREE
    layers += [dense] * (degree - _SPARSE_DEGREE)
    # Every layer is shuffled for itself and the checks are filled in turn, so that a bit seldom
    # comes into one check twice.
    edges = np.concatenate([layer[_shuffle(len(layer), i)] for i, layer in enumerate(layers)])
    width = -(-len(edges) // parity)
    checks = np.full((parity, width + 2), length, dtype=np.int32)
    checks[:, :width].T.flat[: len(edges)] = edges
    checks[:, width] = np.arange(word, length)
    checks[1:, width + 1] = checks[:-1, width]
    checks.setflags(write=False)
    return Code(word, length, checks)


def encode(code: Code, word: Bits) -> Bits:
    """The codeword of a word: uint8 [n] of 0 and 1, beginning with the word, uint8 [k]."""
    padded = np.zeros(code.length + 1, dtype=np.uint8)
    padded[: code.word] = word
    sums = np.bitwise_xor.reduce(padded[code.checks[:, :-2]], axis=1)
    padded[code.word : -1] = np.bitwise_xor.accumulate(sums)
    return padded[:-1]


def decode(code: Code, soft: Soft, iterations: int) -> tuple[Bits, int] | None:
    """The nearest codeword's word, uint8 [k], and how many bits of the codeword were wrong.

    Args:
        code: The code.
        soft: Float32 [n], positive for 1, negative for 0, larger where surer, KNOWN_ZERO where
            known; the scale of the others is free.
        iterations: Of message passing at most.

    Returns:
        None if no codeword was found. What is found satisfies every check but need not be what was
        sent: callers verify it.
    """
    first = np.append(soft > 0, np.False_)
    # Mostly nothing or little is to correct, so that is tried before anything is prepared.
    quick = _with_weakest_flipped(code, first, soft)
    if quick is not None:
        return quick[: code.word].astype(np.uint8), int((quick != first).sum())
    unsure = soft[soft > KNOWN_ZERO]
    level = float(np.sqrt(np.mean(np.square(unsure), dtype=np.float64))) or 1.0
    evidence = np.append(soft * np.float32(_LEVEL / level), KNOWN_ZERO).astype(np.float32)
    values = evidence
    messages = np.zeros(code.checks.shape, dtype=np.float32)
    flat = code.checks.ravel()
    for _ in range(iterations):
        # The product over the other bits of a check, as the product over all by each one's own.
        turns = np.tanh((messages - values[code.checks]).clip(-_LIMIT, _LIMIT) * np.float32(0.5))
        turns = np.where(np.abs(turns) < _TINY, _TINY, turns)
        others = turns.prod(axis=1, keepdims=True) / turns
        messages = -2 * np.arctanh(others.clip(-_ALMOST_ONE, _ALMOST_ONE))
        sums = np.bincount(flat, messages.ravel(), minlength=code.length + 1)
        values = (evidence + sums).astype(np.float32)
        values[-1] = KNOWN_ZERO
        hard = values > 0
        if not _failing(code, hard).any():
            return hard[: code.word].astype(np.uint8), int((hard != first).sum())
    return None


def _with_weakest_flipped(
    code: Code, first: npt.NDArray[np.bool_], soft: Soft
) -> npt.NDArray[np.bool_] | None:
    """A codeword that is reached by flipping the least sure bit of every failing check, if one is.

    That repairs single wrong bits, which are almost always unsure ones, in a hundredth of the time.
    """
    hard = first.copy()
    sizes = np.append(np.abs(soft), np.float32(np.inf))
    for _ in range(_QUICK_ROUNDS):
        failing = np.flatnonzero(_failing(code, hard))
        if not len(failing):
            return hard
        if len(failing) > _FEW_FAILING * len(code.checks):
            return None
        members = code.checks[failing]
        weakest = np.take_along_axis(members, sizes[members].argmin(axis=1)[:, None], axis=1)
        hard[np.unique(weakest)] ^= True
    return None if _failing(code, hard).any() else hard


def _failing(code: Code, hard: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which checks do not sum to 0: bool [m]; the last of the n + 1 values stands for none."""
    # Column by column: numpy reduces along the short second axis many times more slowly.
    sums = np.zeros(len(code.checks), dtype=np.bool_)
    for column in code.checks.T:
        sums ^= hard[column]
    return sums


def _shuffle(size: int, layer: int) -> npt.NDArray[np.intp]:
    """A permutation that looks random and is the same with every release of numpy."""
    seed = f"fourcast stego ldpc {size} {layer}".encode()
    keys = np.frombuffer(hashlib.shake_128(seed).digest(8 * size), dtype="<u8")
    return np.argsort(keys, kind="stable")
