"""What a server says about its models, through the typed client."""

from pathlib import Path

import pytest

from fourcast_clients.api import Fourcast, FourcastError
from fourcast_clients.models import State
from fourcast_models.repository import read_model, read_repository
from tests.services.fronts import run_front
from tests.services.running import RunningServer, run_server

REPOSITORY = Path(__file__).resolve().parents[2] / "models" / "repository"


def failure(client: Fourcast, name: str, language: str = "") -> FourcastError:
    with pytest.raises(FourcastError) as caught:
        client.models.card(name, language)
    return caught.value


def test_every_model_of_the_repository_is_listed(fourcast: Fourcast) -> None:
    models = {model.name: model for model in fourcast.models.all()}
    assert list(models) == list(read_repository(REPOSITORY))
    (version, *_) = models["connect4"].versions
    newest = str(read_model(REPOSITORY, "connect4").versions[0])
    assert (version.number, version.state, version.reason) == (newest, State.READY, "")
    assert version.provider == "CPUExecutionProvider"
    assert version.command.startswith("fourcast-train connect4")
    # The card's own figure, rounded as it is there.
    card = (REPOSITORY / "connect4" / "README.md").read_text()
    assert f"| {version.metrics['value_keeping']:.2%} |" in card


@pytest.mark.parametrize(
    ("language", "file", "answered"),
    [
        ("", "README.md", "en"),
        ("en", "README.md", "en"),
        ("es", "README.es.md", "es"),
        ("eu", "README.md", "en"),
    ],
)
def test_cards_come_from_the_repository(
    fourcast: Fourcast, language: str, file: str, answered: str
) -> None:
    card = fourcast.models.card("oil", language)
    assert (card.text, card.language) == ((REPOSITORY / "oil" / file).read_text(), answered)


def test_what_is_wrong_with_a_request_is_named(fourcast: Fourcast) -> None:
    assert failure(fourcast, "nonesuch").code == "NOT_FOUND"
    assert failure(fourcast, "../oil").code == "NOT_FOUND"
    error = failure(fourcast, "oil", "../es")
    assert (error.code, error.field) == ("INVALID_ARGUMENT", "language")


def test_a_version_that_cannot_serve_says_why(doodle_repository: Path, tmp_path: Path) -> None:
    for name in ("doodle", "doodle_strokes"):
        (tmp_path / name).symlink_to(doodle_repository / name)
    broken = tmp_path / "doodle"
    broken.unlink()
    broken.mkdir()
    for part in (doodle_repository / "doodle").iterdir():
        (broken / part.name).symlink_to(part)
    (broken / "2").mkdir()
    (broken / "README.md").unlink()
    with run_server(tmp_path) as server, Fourcast(server.address) as client:
        first = client.models.all()[0]
        assert [(v.number, v.state) for v in first.versions] == [
            ("1", State.READY),
            ("2", State.UNAVAILABLE),
        ]
        assert "model.onnx" in first.versions[1].reason
        assert first.versions[0].metrics == {}
        assert failure(client, "doodle").code == "NOT_FOUND"


def test_a_server_whose_models_run_elsewhere_has_no_cards(doodle_server: RunningServer) -> None:
    with run_front(f"grpc://{doodle_server.address}") as front, Fourcast(front.address) as client:
        assert failure(client, "doodle").code == "UNIMPLEMENTED"
