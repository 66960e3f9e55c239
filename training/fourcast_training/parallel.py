"""Resumable work in parts: each part is one file, written whole or not at all.

A run that is killed loses the parts in hand and nothing else; the next run with the same folder
does only what is missing. Parts are spread over processes by joblib, so a `ray` or `dask` backend
of joblib spreads the same parts over a cluster.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import joblib
import numpy as np
import numpy.typing as npt
from joblib.externals.loky import get_reusable_executor
from tqdm import tqdm

from fourcast_training.files import write_atomically

Arrays = Mapping[str, npt.NDArray[np.generic]]


def run_parts(
    folder: Path,
    parts: Sequence[tuple[object, ...]],
    compute: Callable[..., Arrays],
    *,
    jobs: int,
    description: str,
) -> list[dict[str, npt.NDArray[np.generic]]]:
    """The arrays of every part, computed or read from ``folder``, in the order of ``parts``.

    Args:
        folder: Where part number i lies as ``part-0000i.npz``; one folder for one set of parts.
        parts: Arguments of ``compute`` for each part.
        compute: A module-level function of one part, whose result depends on nothing else.
        jobs: Processes.
        description: What the progress bar says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"part-{number:05d}.npz" for number in range(len(parts))]
    missing = [number for number, file in enumerate(files) if not file.exists()]
    work = (joblib.delayed(_compute_part)(compute, parts[n], files[n]) for n in missing)
    done = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(work)
    progress = tqdm(
        done, total=len(parts), initial=len(parts) - len(missing), desc=description, unit="part"
    )
    for _ in progress:
        pass
    if missing:
        # joblib keeps its processes, and their memory, for a next time that may be hours away.
        get_reusable_executor().shutdown()
    return [_read(file) for file in files]


def _compute_part(
    compute: Callable[..., Arrays], arguments: tuple[object, ...], file: Path
) -> None:
    arrays = compute(*arguments)
    write_atomically(file, lambda stream: np.savez(stream, allow_pickle=False, **arrays))


def _read(file: Path) -> dict[str, npt.NDArray[np.generic]]:
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)
