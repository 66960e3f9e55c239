"""Find the Lorenz equations in measured data, by sparse regression and by an ensemble of it."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import tyro

from fourcast_training.lessons.presentation import Language
from fourcast_training.lessons.presentation.picture import save_picture
from fourcast_training.lessons.presentation.text import locale_language
from fourcast_training.sindy.chart import SIZE, draw_run
from fourcast_training.sindy.library import MAX_DEGREE, Library
from fourcast_training.sindy.lorenz import VARIABLES
from fourcast_training.sindy.report import Found, Setting, equations, find_all, table

log = logging.getLogger(__name__)

PROGRAM = "fourcast-train sindy"


@dataclass(frozen=True)
class SindyConfig:
    """Find the equations of the Lorenz system in data, from several seeds, and draw the first one.

    Takes about a minute of one core. The code to read first is sindy/stlsq.py, then
    sindy/ensemble.py. There is no network here and nothing to publish: what is found is the
    equations themselves.
    """

    degree: int = 3
    """Of the terms that may occur."""

    samples: int = 10_000
    """Measurements of x, y and z."""

    step: float = 0.01
    """Of time between them."""

    noise: float = 0.1
    """Standard deviation of the error of each measurement."""

    threshold: float = 0.2
    """Terms with smaller coefficients are dropped."""

    bags: int = 100
    """Resampled data sets of an ensemble."""

    seeds: int = 20
    """How many motions are measured, each with noise of its own."""

    language: Language = field(default_factory=locale_language)
    """Of the table and the picture."""

    folder: Path = Path("runs/sindy")
    """For the picture, lorenz.png."""

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        for name, least in (("seeds", 1), ("bags", 1), ("samples", 100)):
            if getattr(self, name) < least:
                raise ValueError(f"--{name} {getattr(self, name)} is below {least}")
        if not 2 <= self.degree <= MAX_DEGREE:
            raise ValueError(f"--degree {self.degree} is not between 2 and {MAX_DEGREE}")
        for name in ("step", "threshold"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"--{name} {getattr(self, name)} is not a positive number")
        if not 0 <= self.noise < float("inf"):
            raise ValueError(f"--noise {self.noise} is not 0 or a positive number")


def main(args: list[str]) -> None:
    """``fourcast-train sindy``."""
    run(tyro.cli(SindyConfig, args=args, prog=PROGRAM))


def run(config: SindyConfig) -> list[Found]:
    """Measure, find, print, draw; what each seed found."""
    setting = Setting(
        library=Library(VARIABLES, config.degree),
        samples=config.samples,
        step=config.step,
        noise=config.noise,
        threshold=config.threshold,
        bags=config.bags,
    )
    found = find_all(setting, config.seeds)
    print("\n".join(equations(setting.library, found[0].ensemble.coefficients)), end="\n\n")
    print(table(setting, found, config.language))
    picture = config.folder / "lorenz.png"
    save_picture(lambda figure: draw_run(figure, setting, found[0], config.language), SIZE, picture)
    log.info("picture: %s", picture)
    return found
