"""``fourcast screen``: an exercise in screening, on four measurements."""

import json
from dataclasses import asdict, dataclass, field
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fourcast_clients.api import Classification, Feature, Fourcast, FourcastError
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.connection import connected
from fourcast_clients.terminal.console import Output
from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.progress import progress
from fourcast_clients.terminal.server_access import ServerAccess

_NUMBER = tyro.conf.arg(metavar="NUMBER", help_behavior_hint="")

OPTIONS = {"Age": "age", "BMI": "bmi", "Glucose": "glucose", "Resistin": "resistin"}
"""The option of each feature."""


@dataclass(frozen=True, kw_only=True)
class Screen:
    """Say how a network from a course sorts four measurements: control group, or patient.

    It learnt from 116 women of one hospital and is an exercise, no medical device. Without
    measurements it lists them, with the units and ranges that are allowed.

    Without --server it starts a service of its own and stops it at the end. With --json it prints
    one JSON object: {"probabilities": {"control": 0.7, "patient": 0.3}, "notice": "...", "model":
    "coimbra", "model_version": "1"}, or {"features": [{"name": "Age", ...}, ...]}

    Example: fourcast screen --age 48 --bmi 23.5 --glucose 70 --resistin 8

    Example: fourcast screen
    """

    age: Annotated[float | None, _NUMBER] = None
    """Age in years."""

    bmi: Annotated[float | None, _NUMBER] = None
    """Body mass index in kg/m²."""

    glucose: Annotated[float | None, _NUMBER] = None
    """Fasting blood glucose in mg/dL."""

    resistin: Annotated[float | None, _NUMBER] = None
    """Resistin in the blood in ng/mL."""

    model: Annotated[
        str, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: coimbra)")
    ] = ""
    """The model in the server's repository to ask."""

    json: bool = False
    """Print one JSON object, as above, in place of words."""

    access: tyro.conf.OmitArgPrefixes[ServerAccess] = field(default_factory=ServerAccess)

    def run(self) -> int:
        """Ask the server and print what it answers.

        Returns:
            The exit code: 0.

        Raises:
            UsageError: If an option's value is wrong or one is missing.
            FourcastError: If the server failed.
            LocalServiceError: If a service of its own did not start.
        """
        given = {name: getattr(self, option) for name, option in OPTIONS.items()}
        values = {name: value for name, value in given.items() if value is not None}
        with (
            progress(Console(stderr=True), "Asking the network ..."),
            connected(self.access) as connection,
        ):
            if not values:
                listed = connection.fourcast.tabular.features()
                answer = None
            else:
                answer = self._ask(connection.fourcast, values)
        if answer is None:
            if self.json:
                print(json.dumps({"features": [asdict(feature) for feature in listed]}))
            else:
                show_features(listed, Output())
        elif self.json:
            print(json.dumps(asdict(answer)))
        else:
            show(answer, Output())
        return exit_codes.OK

    def _ask(self, fourcast: Fourcast, values: dict[str, float]) -> Classification:
        """The server's answer, or what is wrong in terms of the command line."""
        try:
            return fourcast.tabular.classify(values, model=self.model)
        except FourcastError as error:
            option = OPTIONS.get((error.field or "").removeprefix("features."))
            if error.code == "INVALID_ARGUMENT" and option:
                raise UsageError(f"--{option}: {error.reason}") from None
            if self.model and (error.code == "NOT_FOUND" or error.field == "model"):
                raise UsageError(f"--model: {error.reason}") from None
            raise


def show(answer: Classification, console: Console) -> None:
    """Print the probability of each class, the model that answered, and what this is not."""
    table = Table.grid(padding=(0, 2))
    for name, probability in answer.probabilities.items():
        table.add_row(name, Text(f"{probability:.1%}", justify="right"))
    console.print(table)
    console.print(f"Answered by {answer.model}, version {answer.model_version}.", style="dim")
    console.print(answer.notice, style="yellow")


def show_features(features: tuple[Feature, ...], console: Console) -> None:
    """Print what can be given, in which unit and range."""
    table = Table.grid(padding=(0, 2))
    for feature in features:
        table.add_row(
            f"--{OPTIONS.get(feature.name, feature.name)}",
            feature.meaning,
            f"{feature.minimum:g} to {feature.maximum:g}",
            feature.unit,
        )
    console.print(table)
