"""The typed synchronous Python client of a fourcast server.

    from fourcast_clients.api import Fourcast, Level

    with Fourcast("127.0.0.1:50051") as fourcast:
        reply = fourcast.connect4.choose_move("4453", level=Level.PERFECT)
        print(reply.column)
        print(reply.board)
        print(fourcast.connect4.analyze("4453").scores)
        triangle = [(0, 90), (50, 0), (100, 90), (0, 90)]
        print(fourcast.doodle.classify(drawing=[triangle]).guesses[0].category)
        stego = fourcast.stego.hide(Path("cat.png").read_bytes(), "meow").image
        print(fourcast.stego.reveal(stego).text)

Every failed call raises `FourcastError`. A client may be used from several threads at once. A
server that wants to know its callers is given `Credentials`:

    Fourcast("play.example:443", credentials=Credentials(tls=True, token="..."))

This is the module to import from; each product's records and calls stand in a file of its own.
"""

from types import TracebackType
from typing import Self

from fourcast_clients.calls import DEFAULT_SERVER, DEFAULT_TIMEOUT, Calls
from fourcast_clients.cancellation import Cancellation
from fourcast_clients.connect4 import (
    COLUMNS,
    ROWS,
    Analysis,
    Board,
    Cell,
    Connect4,
    Level,
    Move,
    Outcome,
    Player,
    Position,
    Source,
    Status,
    Value,
)
from fourcast_clients.credentials import Credentials, CredentialsError
from fourcast_clients.doodle import Doodle, Drawing, Guess, Guesses, LiveGuesses, Stroke, Watching
from fourcast_clients.errors import FourcastError
from fourcast_clients.forecast import Forecasting
from fourcast_clients.forecast_records import Backtest, Forecast
from fourcast_clients.models import Models
from fourcast_clients.stego import Capacity, Hidden, Profile, Revealed, Stego
from fourcast_clients.tabular import Classification, Feature, Measurement, Tabular

__all__ = [
    "COLUMNS",
    "DEFAULT_SERVER",
    "ROWS",
    "Analysis",
    "Backtest",
    "Board",
    "Cancellation",
    "Capacity",
    "Cell",
    "Classification",
    "Connect4",
    "Credentials",
    "CredentialsError",
    "Doodle",
    "Drawing",
    "Feature",
    "Forecast",
    "Forecasting",
    "Fourcast",
    "FourcastError",
    "Guess",
    "Guesses",
    "Hidden",
    "Level",
    "LiveGuesses",
    "Measurement",
    "Models",
    "Move",
    "Outcome",
    "Player",
    "Position",
    "Profile",
    "Revealed",
    "Source",
    "Status",
    "Stego",
    "Stroke",
    "Tabular",
    "Value",
    "Watching",
]


class Fourcast:
    """A connection to a fourcast server; a context manager that closes it.

    Attributes:
        server: The address given.
        connect4: The Connect-4 calls.
        doodle: The calls that name what is drawn.
        models: The calls about the server's models.
        tabular: The calls that classify named measurements.
        stego: The calls that hide texts in pictures.
        forecast: The calls that forecast daily prices.
    """

    def __init__(
        self,
        server: str = DEFAULT_SERVER,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        credentials: Credentials | None = None,
    ) -> None:
        """Prepare a connection; nothing is sent before the first call.

        Args:
            server: ``HOST:PORT``.
            timeout: Seconds that a call may take unless it says otherwise.
            credentials: Who the client is, and whom it trusts; None for plain text.

        Raises:
            ValueError: If ``server`` is not ``HOST:PORT`` with a port from 1 to 65535.
            CredentialsError: If a token would leave this computer in plain text.
        """
        self.server = server
        self._calls = Calls(server, timeout, credentials or Credentials())
        self.connect4 = Connect4(self._calls)
        self.doodle = Doodle(self._calls)
        self.models = Models(self._calls)
        self.tabular = Tabular(self._calls)
        self.stego = Stego(self._calls)
        self.forecast = Forecasting(self._calls)

    def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Return as soon as the server's health check says that it serves.

        Args:
            timeout: Seconds to wait at most.

        Raises:
            FourcastError: If it does not within that time; the text says whether nobody answers
                or the server is up but not ready.
        """
        self._calls.wait_until_ready(timeout)

    def close(self) -> None:
        """Close the connection. Calls under way end as cancelled."""
        self._calls.close()

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()
