"""Resumable work in parts: each part is one file, written whole or not at all.

A run that is killed loses the parts in hand and nothing else; the next run with the same folder
does only what is missing. joblib spreads the parts over the processes of this machine or, through
its Ray backend, over those of a cluster, all of which must see the folder.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import joblib
import numpy as np
import numpy.typing as npt
from joblib.externals.loky import get_reusable_executor
from tqdm import tqdm

from fourcast_training.files import write_atomically

Arrays = Mapping[str, npt.NDArray[np.generic]]

Backend: TypeAlias = Literal["processes", "ray"]
"""Where parts are computed: `processes` of this machine, or the workers of a `ray` cluster: the one
that RAY_ADDRESS names or that runs here, otherwise one that is started for this run."""

PARTS_PER_ROUND = 8
"""For each Ray worker; they wait for each other after a round, because Ray's backend of joblib
hands results back only all together, and progress should be seen."""


def run_parts(
    folder: Path,
    parts: Sequence[tuple[object, ...]],
    compute: Callable[..., Arrays],
    *,
    jobs: int,
    description: str,
    backend: Backend = "processes",
) -> list[dict[str, npt.NDArray[np.generic]]]:
    """The arrays of every part, computed or read from ``folder``, in the order of ``parts``.

    Args:
        folder: Where part number i lies as ``part-0000i.npz``; one folder for one set of parts.
        parts: Arguments of ``compute`` for each part.
        compute: A module-level function of one part, whose result depends on nothing else.
        jobs: Processes; -1 is one for each core.
        description: What the progress bar says.
        backend: Whose processes.

    Raises:
        RuntimeError: If Ray is asked for and not installed.
    """
    folder = folder.resolve()  # other processes may run elsewhere
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"part-{number:05d}.npz" for number in range(len(parts))]
    missing = [number for number, file in enumerate(files) if not file.exists()]
    work = [joblib.delayed(_compute_part)(compute, parts[n], files[n]) for n in missing]
    done = _done_by_ray(work, jobs) if backend == "ray" else _done_here(work, jobs)
    progress = tqdm(
        done, total=len(parts), initial=len(parts) - len(missing), desc=description, unit="part"
    )
    for _ in progress:
        pass
    return [_read(file) for file in files]


def _done_here(work: Sequence[object], jobs: int) -> Iterator[object]:
    """Do the work in processes of this machine; an item for each part that is done."""
    if not work:
        return
    yield from joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(work)
    # joblib keeps its processes, and their memory, for a next time that may be hours away.
    get_reusable_executor().shutdown()


def _done_by_ray(work: Sequence[object], jobs: int) -> Iterator[object]:
    """Do the work on a Ray cluster; an item for each part that is done."""
    try:
        from ray.util.joblib import register_ray
    except ModuleNotFoundError:
        raise RuntimeError("Ray is not installed: pip install 'fourcast[ray]'") from None
    register_ray()
    with joblib.parallel_config(backend="ray", n_jobs=jobs), joblib.Parallel() as parallel:
        size = PARTS_PER_ROUND * joblib.effective_n_jobs(jobs)
        for start in range(0, len(work), size):
            yield from parallel(work[start : start + size])


def _compute_part(
    compute: Callable[..., Arrays], arguments: tuple[object, ...], file: Path
) -> None:
    arrays = compute(*arguments)
    write_atomically(file, lambda stream: np.savez(stream, allow_pickle=False, **arrays))


def _read(file: Path) -> dict[str, npt.NDArray[np.generic]]:
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)
