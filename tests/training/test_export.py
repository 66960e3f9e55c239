"""The way from torch to the model repository: whole and as torch says, or not at all."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from fourcast_models.connect4 import codec
from fourcast_models.connect4.board import parse_moves
from fourcast_models.model_config import ModelConfig
from fourcast_models.repository import (
    default_repository,
    read_golden,
    read_model,
    read_repository,
)
from fourcast_training.connect4.net import ServedNet, build
from fourcast_training.export import (
    PARITY,
    QUANTISED_PARITY,
    QUANTISED_TOLERANCE,
    Origin,
    export,
    run_onnx,
    stamp_of,
    to_onnx,
)

CONFIG = ModelConfig(
    name="connect4",
    inputs=(codec.BOARD,),
    outputs=(codec.POLICY, codec.VALUE),
    max_batch_size=32,
    parameters={"codec_version": "1"},
)
ORIGIN = Origin(
    codec_version=1,
    datasets={"train": "aa", "test": "bb"},
    metrics={"value_keeping": 0.75},
    command="fourcast-train connect4 --preset smoke",
)
GAME = "4453621735254671"
GOLDEN = codec.encode([parse_moves(GAME[:length]) for length in range(len(GAME))])


def small_network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return ServedNet(build("residual", channels=8, blocks=1), mirrors=True).eval()


def publish(network: nn.Module, repository: Path, *, quantised: bool = False) -> Path:
    inputs = {"board": GOLDEN}
    return export(
        to_onnx(network, CONFIG, inputs, calibration=inputs if quantised else None),
        origin=ORIGIN,
        card=lambda version: f"# Card of version {version}\n",
        repository=repository,
    )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two versions, of different weights."""
    folder = tmp_path_factory.mktemp("repository")
    assert publish(small_network(1), folder) == folder / "connect4" / "1"
    assert publish(small_network(2), folder) == folder / "connect4" / "2"
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, hidden ones too."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_versions_stand_side_by_side(repository: Path) -> None:
    assert contents(repository).keys() == {
        "connect4/config.pbtxt",
        "connect4/README.md",
        *(
            f"connect4/{version}/{file}"
            for version in (1, 2)
            for file in ("model.onnx", "golden.npz")
        ),
    }
    model = read_model(repository, "connect4")
    assert model.versions == (2, 1)
    assert model.config == CONFIG
    assert model.card.read_text() == "# Card of version 2\n"


@pytest.mark.parametrize("version", [1, 2])
def test_the_golden_file_holds_what_torch_gave(repository: Path, version: int) -> None:
    model = read_model(repository, "connect4")
    golden = read_golden(model.golden(version), model.config)
    np.testing.assert_array_equal(golden.inputs["board"], GOLDEN)
    with torch.inference_mode():
        policy, value = small_network(version)(torch.from_numpy(GOLDEN))
    np.testing.assert_array_equal(golden.outputs["policy"], policy.numpy())
    np.testing.assert_array_equal(golden.outputs["value"], value.numpy())
    replayed = run_onnx(model.weights(version), golden.inputs)
    for name, expected in golden.outputs.items():
        np.testing.assert_allclose(replayed[name], expected, atol=PARITY, rtol=0)
    other = read_golden(model.golden(3 - version), model.config)
    assert np.abs(other.outputs["policy"] - golden.outputs["policy"]).max() > 100 * PARITY


@pytest.mark.parametrize("rows", [1, 3, 200])
def test_any_batch_is_taken(repository: Path, rows: int) -> None:
    boards = np.resize(GOLDEN, (rows, *GOLDEN.shape[1:]))
    outputs = run_onnx(read_model(repository, "connect4").weights(2), {"board": boards})
    with torch.inference_mode():
        policy, value = small_network(2)(torch.from_numpy(boards))
    assert outputs.keys() == {"policy", "value"}
    np.testing.assert_allclose(outputs["policy"], policy.numpy(), atol=PARITY, rtol=0)
    np.testing.assert_allclose(outputs["value"], value.numpy(), atol=PARITY, rtol=0)


def test_the_graph_keeps_full_columns_at_zero(repository: Path) -> None:
    board = parse_moves("111111" + "222222")
    weights = read_model(repository, "connect4").weights(2)
    policy = run_onnx(weights, {"board": codec.encode([board])})["policy"][0]
    assert policy[:2].tolist() == [0, 0]
    assert (policy[2:] > 0).all()
    assert policy.sum() == pytest.approx(1, abs=1e-6)


def test_the_file_says_where_it_comes_from(repository: Path) -> None:
    model = read_model(repository, "connect4")
    for version in (1, 2):
        stamp = stamp_of(model.weights(version))
        assert stamp.keys() == {
            "model",
            "version",
            "codec_version",
            "commit",
            "datasets",
            "metrics",
            "command",
        }
        assert (stamp["model"], stamp["version"]) == ("connect4", str(version))
        assert stamp["codec_version"] == "1"
        assert stamp["command"] == ORIGIN.command
        assert json.loads(stamp["datasets"]) == ORIGIN.datasets
        assert json.loads(stamp["metrics"]) == ORIGIN.metrics


def test_the_graph_has_the_tensors_of_the_config(repository: Path) -> None:
    graph = onnx.load(read_model(repository, "connect4").weights(1)).graph

    def described(tensors: object) -> list[tuple[str, int, list[int]]]:
        return [
            (
                t.name,
                t.type.tensor_type.elem_type,
                [d.dim_value for d in t.type.tensor_type.shape.dim],
            )
            for t in tensors  # type: ignore[attr-defined]  # protobuf's repeated field
        ]

    # A free dimension reads as 0.
    assert described(graph.input) == [("board", onnx.TensorProto.UINT8, [0, 2, 6, 7])]
    assert described(graph.output) == [
        ("policy", onnx.TensorProto.FLOAT, [0, 7]),
        ("value", onnx.TensorProto.FLOAT, [0, 3]),
    ]


class Tiny(nn.Module):
    """The smallest network with the right outputs; its children answer one way or another."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(84, 10))

    def forward(self, board: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.layers(board.float())
        return torch.softmax(logits[:, :7], 1), torch.softmax(logits[:, 7:], 1)


class Noisy(Tiny):
    """Forgot to leave its noise out of evaluation."""

    def forward(self, board: Tensor) -> tuple[Tensor, Tensor]:
        policy, value = super().forward(board)
        return policy, value + 0.001 * torch.rand_like(value)


class Deceptive(Tiny):
    """Goes another way while it is exported."""

    def forward(self, board: Tensor) -> tuple[Tensor, Tensor]:
        policy, value = super().forward(board)
        return policy * (1.0 if torch.compiler.is_exporting() else 0.9), value


class Undefined(Tiny):
    """Answers with NaN, in torch and in the graph alike."""

    def forward(self, board: Tensor) -> tuple[Tensor, Tensor]:
        policy, value = super().forward(board)
        return policy, value + torch.log(value - 2)


def test_a_tiny_network_is_published(tmp_path: Path) -> None:
    # So that what is refused below is refused for its oddity.
    assert publish(Tiny().eval(), tmp_path).is_dir()


@pytest.mark.parametrize(
    ("network", "output", "is_first"),
    [
        (Noisy, "value", True),
        (Noisy, "value", False),
        (Deceptive, "policy", False),
        (Undefined, "value", False),
    ],
)
def test_a_graph_that_differs_from_torch_is_not_published(
    repository: Path, tmp_path: Path, network: type[Tiny], output: str, is_first: bool
) -> None:
    target = tmp_path if is_first else repository
    before = contents(target)
    with pytest.raises(RuntimeError, match=f"differ by .* in '{output}'.*nothing was published"):
        publish(network().eval(), target)
    assert contents(target) == before
    assert is_first == (before == {})


@pytest.mark.filterwarnings("ignore:Exporting a model while it is in training mode")
def test_a_batch_of_its_own_kind_is_not_published(tmp_path: Path) -> None:
    # Normalising over the batch is what a network does that was not put into evaluation mode.
    network = small_network().train()
    with pytest.raises(RuntimeError, match="differ by"):
        publish(network, tmp_path)
    assert contents(tmp_path) == {}


def test_an_output_too_few_is_not_published(tmp_path: Path) -> None:
    class PolicyOnly(nn.Module):
        def forward(self, board: Tensor) -> tuple[Tensor]:
            return (board.float().mean(dim=(1, 2)),)

    with pytest.raises(ValueError, match="argument 2 is shorter"):
        publish(PolicyOnly().eval(), tmp_path)
    assert contents(tmp_path) == {}


def test_run_onnx_takes_a_file_or_its_bytes(repository: Path) -> None:
    weights = read_model(repository, "connect4").weights(1)
    inputs: dict[str, npt.NDArray[np.uint8]] = {"board": GOLDEN}
    from_file, from_bytes = run_onnx(weights, inputs), run_onnx(weights.read_bytes(), inputs)
    for name, array in from_file.items():
        np.testing.assert_array_equal(array, from_bytes[name])


def test_integers_take_less_of_the_file_and_are_nearly_right(tmp_path: Path) -> None:
    torch.manual_seed(0)
    wide = ServedNet(build("residual", channels=48, blocks=2), mirrors=True).eval()
    floats = publish(wide, tmp_path) / "model.onnx"
    integers = publish(wide, tmp_path, quantised=True) / "model.onnx"
    assert integers.stat().st_size < 0.6 * floats.stat().st_size
    model = read_model(tmp_path, "connect4")
    exact, nearly = (read_golden(model.golden(version), model.config) for version in (1, 2))
    assert (exact.tolerance, nearly.tolerance) == (0, QUANTISED_TOLERANCE)
    for name, wanted in exact.outputs.items():
        assert 0 < np.abs(nearly.outputs[name] - wanted).max() < QUANTISED_PARITY
        # No row leans on its neighbours, and the golden file holds what the file gives.
        rows = [run_onnx(integers, {"board": row[None]})[name][0] for row in GOLDEN]
        np.testing.assert_allclose(rows, nearly.outputs[name], atol=1e-6)
    assert stamp_of(integers)["command"] == ORIGIN.command


def test_published_integers_done_in_floats_are_within_their_tolerance() -> None:
    # As a GPU does them. An integer operator of onnxruntime that is wrong shows here.
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    seen = 0
    for model in read_repository(default_repository()).values():
        golden = read_golden(model.golden(model.versions[0]), model.config)
        if golden.tolerance:
            weights = model.weights(model.versions[0])
            session = onnxruntime.InferenceSession(
                weights, options, providers=["CPUExecutionProvider"]
            )
            names = list(golden.outputs)
            for name, emulated in zip(names, session.run(names, golden.inputs), strict=True):
                assert np.abs(emulated - golden.outputs[name]).max() < golden.tolerance
                seen += 1
    assert seen


def test_integers_that_are_far_off_are_not_published(tmp_path: Path) -> None:
    class Sharp(ServedNet):
        """Answers that hang on the last bit."""

        def forward(self, board: Tensor) -> tuple[Tensor, Tensor]:
            policy, value = super().forward(board)
            return (200 * policy).sin(), value

    torch.manual_seed(0)
    sharp = Sharp(build("residual", channels=8, blocks=1), mirrors=False).eval()
    with pytest.raises(RuntimeError, match="in integers 'policy' differs by"):
        publish(sharp, tmp_path, quantised=True)
    assert contents(tmp_path) == {}


def test_the_file_does_not_say_where_it_was_made(repository: Path) -> None:
    content = read_model(repository, "connect4").weights(2).read_bytes()
    assert str(Path(__file__).parent.parent).encode() not in content
