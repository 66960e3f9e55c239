"""``fourcast models``: what a server offers."""

import json
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Annotated

import tyro
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from fourcast_clients.api import FourcastError
from fourcast_clients.models import Model
from fourcast_clients.terminal import exit_codes
from fourcast_clients.terminal.connection import connected
from fourcast_clients.terminal.console import Output
from fourcast_clients.terminal.exit_codes import UsageError
from fourcast_clients.terminal.progress import progress
from fourcast_clients.terminal.server_access import ServerAccess


@dataclass(frozen=True, kw_only=True)
class Models:
    """List what a server offers: models, versions, and the figures measured when they were made.

    With a NAME it prints that model's card. Without --server it starts a service of its own and
    stops it at the end. With --json it prints one JSON object: {"models": [{"name":
    "connect4", "versions": [...]}, ...]}, or {"text": "# connect4 ...", "language": "en"}.

    Example: fourcast models --server 127.0.0.1:50051

    Example: fourcast models connect4
    """

    name: Annotated[
        tyro.conf.Positional[str | None],
        tyro.conf.arg(metavar="[NAME]", help_behavior_hint="(default: list all)"),
    ] = None
    """The model whose card to print."""

    json: bool = False
    """Print one JSON object, as above."""

    access: tyro.conf.OmitArgPrefixes[ServerAccess] = field(default_factory=ServerAccess)

    def run(self) -> int:
        """Ask the server and print what it answers.

        Returns:
            The exit code: 0.

        Raises:
            UsageError: If a flag's value is wrong, or there is no such model.
            FourcastError: If the server failed.
            LocalServiceError: If a service of its own did not start.
        """
        with (
            progress(Console(stderr=True), "Asking the server ..."),
            connected(self.access) as connection,
        ):
            models = connection.fourcast.models
            if self.name is None:
                found, card = models.all(), None
            else:
                try:
                    found, card = (), models.card(self.name)
                except FourcastError as error:
                    if error.code == "NOT_FOUND":
                        raise UsageError(str(error)) from None
                    raise
        if self.json:
            record = asdict(card) if card else {"models": [asdict(model) for model in found]}
            print(json.dumps(record, default=_plain))
        elif card:
            Output().print(Markdown(card.text))
        else:
            show(found, Output())
        return exit_codes.OK


def show(models: tuple[Model, ...], console: Console) -> None:
    """Print a table of versions.

    Args:
        models: What to list.
        console: Where to.
    """
    table = Table("model", "version", "state", "figures", box=None, pad_edge=False)
    for model in models:
        for version in model.versions:
            figures = (f"{name} {value:.4g}" for name, value in version.metrics.items())
            table.add_row(
                model.name,
                version.number,
                version.state.value,
                version.reason or ", ".join(figures),
            )
    console.print(table)


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} is not JSON")
