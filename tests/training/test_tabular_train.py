"""`fourcast-train tabular` from rows to a published model, and the model of this repository."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from fourcast_models.repository import default_repository, read_golden, read_model
from fourcast_models.tabular.coimbra import FEATURES, INPUTS, PROBABILITIES
from fourcast_training.export import run_onnx, stamp_of
from fourcast_training.tabular.data import PUBLISHED_HASH, read_table, table_hash, write_table
from fourcast_training.tabular.evaluate import FOUR, evaluate
from fourcast_training.tabular.folds import FOLDS, make_task
from fourcast_training.tabular.generated import generate_table
from fourcast_training.tabular.mlp import ask_planned
from fourcast_training.tabular.published import PUBLISHED
from fourcast_training.tabular.report import Report
from fourcast_training.tabular.train import main
from tests.training.running import fourcast_train, run

QUICK = "tabular --data rows.csv --repeats 2 --repository repository --language en"
TABLE = generate_table(60, seed=8)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The folder in which a short run was made, what it printed and what it logged."""
    folder = tmp_path_factory.mktemp("tabular")
    (folder / "rows.csv").write_bytes(write_table(TABLE))
    done = run(fourcast_train(QUICK), folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout, done.stderr


def test_the_run_leaves_a_whole_model(trained: tuple[Path, str, str]) -> None:
    folder, _, logged = trained
    model = read_model(folder / "repository", "coimbra")
    assert model.versions == (1,)
    assert (model.config.inputs, model.config.outputs) == ((FEATURES,), (PROBABILITIES,))
    golden = read_golden(model.golden(1), model.config)
    outputs = run_onnx(model.weights(1), golden.inputs)["probabilities"]
    np.testing.assert_allclose(outputs, golden.outputs["probabilities"], rtol=0, atol=1e-5)
    for feature, column in zip(INPUTS, golden.inputs["features"].T, strict=True):
        assert all(feature.problem(value) is None for value in column.tolist())
    stamp = stamp_of(model.weights(1))
    assert json.loads(stamp["datasets"]) == {"coimbra": table_hash(TABLE)}
    assert {"auc_nested", "auc_four", "auc_nine"} <= set(json.loads(stamp["metrics"]))
    assert (folder / "runs" / "tabular" / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "these are not the 116 rows of the publisher" in logged


def test_the_graph_does_all_that_training_did(trained: tuple[Path, str, str]) -> None:
    """Measurements go in; logarithm, scaling, network and calibration are those of `mlp`."""
    folder, _, _ = trained
    model = read_model(folder / "repository", "coimbra")
    rows = TABLE.values[:, list(FOUR)]
    answers = run_onnx(model.weights(1), {"features": rows.astype(np.float32)})["probabilities"]
    everybody = np.arange(len(rows))
    task = make_task(np.log(rows), TABLE.labels, everybody, everybody)
    (expected,) = ask_planned([task], seed=0)
    np.testing.assert_allclose(answers[:, 1], expected, atol=1e-5)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)


def test_the_tables_stand_beside_the_sources_nested_first(trained: tuple[Path, str, str]) -> None:
    _, printed, _ = trained
    heads = [line for line in printed.splitlines() if line.startswith("### ")]
    assert [head.split()[1] for head in heads] == ["Nested:", "The", "All"]
    rows = [line for line in printed.splitlines() if line.startswith("| ")]
    for row in PUBLISHED.values():
        tables_3 = [line for line in rows if line.startswith(f"| {row.name.en} | {row.mean:.4f} |")]
        assert len(tables_3) == 3
        assert f"| {row.low:.4f} | {row.high:.4f} |" in tables_3[0]
        sources = [line for line in rows if line.startswith(f"| {row.name.en} | source |")]
        assert len(sources) == 3
        for rate, deviation in zip(row.rates, row.deviations, strict=True):
            assert f"{rate:.4f} ({deviation:.4f})" in sources[0]
    assert "nan" not in printed
    # The source's first row: half of the others' deviation, and the mean of its two rates.
    words = " ".join(printed.split())
    assert "A fold of 6 patients and 6 controls scatters by about 0.11" in words
    assert "have a mean of 0.8620, only 0.0079 below its AUC" in words
    assert "That gap is 0.0704 to 0.1001 in the six rows below, and 0.0039 in the last one" in words


def test_the_cards_say_what_was_printed_in_two_languages(trained: tuple[Path, str, str]) -> None:
    folder, printed, _ = trained
    cards = folder / "repository" / "coimbra"
    english, spanish = ((cards / name).read_text() for name in ("README.md", "README.es.md"))
    assert printed.strip() in english
    assert "It is no medical device" in english
    assert "No es un producto sanitario" in spanish
    figures = re.compile(r"\d\.\d{4}")
    assert figures.findall(english) == figures.findall(spanish)
    for card in (english, spanish):
        assert f"fourcast-train {QUICK}" in card
        assert table_hash(TABLE) in card
        assert "{" not in card
        for feature in INPUTS:
            assert re.search(
                rf"\| {feature.name} \| .+ \| {feature.minimum:g} (to|a) {feature.maximum:g} \|",
                card,
            )


def test_evaluate_publishes_nothing_and_may_be_spanish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_bytes(write_table(TABLE))
    main(["--evaluate", "--data", "rows.csv", "--repeats", "2", "--language", "es"])
    printed = capsys.readouterr().out
    assert "### Anidado" in printed
    assert "| bosque aleatorio | fuente |" in printed
    assert {file.name for file in tmp_path.rglob("*.*")} == {"rows.csv", "curves.png"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--repeats 1", "--repeats 1 is below 2"),
        ("--seed -1", "--seed -1 is below 0"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    capsys: pytest.CaptureFixture[str], options: str, words: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(options.split())
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err


def test_without_the_table_the_error_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="fourcast-train tabular-download"):
        main([])


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    for option in ("--evaluate", "--data", "--repeats", "--shuffled", "tabular-download"):
        assert option in printed


def test_two_quick_models_on_the_published_rows(shared_data: Path) -> None:
    """What a study of the same rows found: the machine near 0.88 on four, 0.83 on nine."""
    table = read_table(shared_data / "coimbra" / "dataR2.csv")
    found = Report(evaluate(table, features=("four", "nine"), models=("svm", "logistic")))
    assert len(found.evaluation.splits) == 20 * FOLDS
    assert found.aucs("four", "svm").mean() == pytest.approx(0.88, abs=0.015)
    assert found.aucs("nine", "svm").mean() == pytest.approx(0.83, abs=0.02)
    assert found.aucs("four", "logistic").mean() < found.aucs("four", "svm").mean()


def test_the_model_of_this_repository() -> None:
    model = read_model(default_repository(), "coimbra")
    stamp = stamp_of(model.weights(model.versions[0]))
    assert json.loads(stamp["datasets"]) == {"coimbra": PUBLISHED_HASH}
    metrics = json.loads(stamp["metrics"])
    assert metrics["auc_four"] >= 0.86
    assert metrics["auc_nine"] >= 0.82
    assert metrics["auc_nested"] >= 0.84
    # The nested figure, for which everything was chosen in training parts, comes first.
    assert (model.folder / "README.md").read_text().index("### Nested") > 0
    assert (model.folder / "README.es.md").exists()
    rows = np.array([[f.minimum for f in INPUTS], [f.maximum for f in INPUTS]], dtype=np.float32)
    found = run_onnx(model.weights(model.versions[0]), {"features": rows})["probabilities"]
    assert np.all((found > 0) & (found < 1))
