"""What learns from a training part: the networks, the choice of features, the calibration."""

from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional

from fourcast_training.tabular import mlp
from fourcast_training.tabular.evaluate import evaluate
from fourcast_training.tabular.folds import Task, make_task, repeated_splits
from fourcast_training.tabular.generated import generate_table
from fourcast_training.tabular.metrics import fold_aucs
from fourcast_training.tabular.networks import Recipe, fit_networks, score_tasks
from fourcast_training.tabular.selection import choose_features

SMALL = Recipe((6, 5), kinks=0.5, l1=1e-3, l2=1e-2, rate=1e-2, steps=20)


def ring(rows: int, seed: int) -> Task:
    """Points inside a circle are class 1: no line parts them."""
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(rows, 2))
    asked = random.normal(size=(40, 2))
    return Task(inputs, (np.sum(inputs**2, axis=1) < 1.4).astype(np.int64), asked)


def test_networks_together_are_networks_one_by_one() -> None:
    """Among them one with fewer rows, which is filled up."""
    tasks = [ring(30, 0), ring(24, 1), ring(30, 2)]
    together = fit_networks(tasks, SMALL, seed=4)
    sizes = [2, *SMALL.hidden, 1]
    for number, task in enumerate(tasks):
        generator = torch.Generator().manual_seed(4)
        weights = [
            (torch.randn(3, a, b, generator=generator) * (2 / a) ** 0.5)[number].clone()
            for a, b in pairwise(sizes)
        ]
        biases = [torch.zeros(b) for b in sizes[1:]]
        biases[0] = 0.5 * torch.randn(3, 1, 6, generator=generator)[number, 0]
        parameters = [tensor.requires_grad_() for tensor in (*weights, *biases)]
        optimizer = torch.optim.Adam(parameters, lr=SMALL.rate)
        inputs = torch.from_numpy(task.inputs).float()
        labels = torch.from_numpy(task.labels).float()
        for step in range(SMALL.steps):
            optimizer.param_groups[0]["lr"] = SMALL.rate * (1 - step / SMALL.steps)
            hidden = inputs
            for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
                hidden = torch.relu(hidden @ weight + bias)
            logits = (hidden @ weights[-1] + biases[-1])[:, 0]
            loss = functional.binary_cross_entropy_with_logits(logits, labels)
            for weight in weights:
                loss = loss + SMALL.l1 * weight.abs().sum() + SMALL.l2 * weight.square().sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimizer.step()
        for ours, theirs in zip(together.weights, weights, strict=True):
            torch.testing.assert_close(ours[number], theirs.detach(), atol=2e-5, rtol=1e-4)
        for ours, theirs in zip(together.biases, biases, strict=True):
            torch.testing.assert_close(ours[number, 0], theirs.detach(), atol=2e-5, rtol=1e-4)


def test_networks_learn_what_no_line_parts() -> None:
    tasks = [ring(80, seed) for seed in range(3)]
    recipe = Recipe((32, 32), kinks=1.0, l1=0.0, l2=0.0, rate=1e-2, steps=200)
    for task, scores in zip(tasks, score_tasks(tasks, recipe, seed=0), strict=True):
        inside = np.sum(task.asked**2, axis=1) < 1.4
        assert np.mean((scores > 0) == inside) > 0.85


def test_the_features_are_those_of_the_least_leave_one_out_error() -> None:
    """Beside kernel ridge regression fitted anew without each row."""
    random = np.random.default_rng(2)
    features = random.normal(size=(24, 5))
    labels = (features[:, 1] + features[:, 3] > 0).astype(np.int64)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)

    def error(places: tuple[int, ...]) -> float:
        points, target = scaled[:, places], 2.0 * labels - 1
        errors = []
        for row in range(len(points)):
            others = np.arange(len(points)) != row
            squares = ((points[:, None] - points[None, others]) ** 2).sum(axis=2)
            kernel = np.exp(-squares / 4)
            weights = np.linalg.solve(kernel[others] + np.eye(len(points) - 1), target[others])
            errors.append((target[row] - kernel[row] @ weights) ** 2)
        return float(np.mean(errors))

    best = min(combinations(range(5), 4), key=error)
    assert choose_features(features, labels) == best
    assert {1, 3} <= set(best)


def test_probabilities_are_calibrated_and_the_recipe_is_one_of_the_choice() -> None:
    table = generate_table(300, seed=3)
    (split, *_) = repeated_splits(table.labels, repeats=1, seed=0)
    task = make_task(table.logarithms, table.labels, split.train, split.test)
    (plan,) = mlp.make_plans([task], seed=0)
    assert plan.recipe in mlp.RECIPES
    assert plan.calibration.slope > 0
    (probabilities,) = mlp.ask_planned([task], seed=0)
    assert abs(probabilities.mean() - table.labels[split.test].mean()) < 0.12
    assert np.all((probabilities > 0) & (probabilities < 1))


def test_nothing_of_a_test_fold_reaches_the_models() -> None:
    """Whatever the labels of the held-out rows are: features, scaling, network, calibration."""
    table = generate_table(60, seed=4)
    logarithms = table.logarithms
    answers = []
    for flipped in (False, True):
        tasks = []
        for split in repeated_splits(table.labels, repeats=1, seed=0)[:2]:
            labels = table.labels.copy()
            if flipped:
                labels[split.test] = 1 - labels[split.test]
            chosen = list(choose_features(logarithms[split.train], labels[split.train]))
            tasks.append(make_task(logarithms[:, chosen], labels, split.train, split.test))
        answers.append(mlp.ask_planned(tasks, seed=0))
    np.testing.assert_array_equal(answers[0], answers[1])


def test_scaling_is_that_of_the_training_rows() -> None:
    table = generate_table(60, seed=5)
    split = repeated_splits(table.labels, repeats=1, seed=0)[0]
    task = make_task(table.values, table.labels, split.train, split.test)
    np.testing.assert_allclose(task.inputs.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(task.inputs.std(axis=0), 1)
    changed = table.values.copy()
    changed[split.test] *= 2
    again = make_task(changed, table.labels, split.train, split.test)
    np.testing.assert_array_equal(again.inputs, task.inputs)


@pytest.mark.parametrize("model", ["svm", "logistic", "bayes", "small", "mlp"])
def test_shuffled_labels_give_chance(model: str, shuffled: dict[str, float]) -> None:
    assert shuffled[model] == pytest.approx(0.5, abs=0.03)


@pytest.fixture(scope="module")
def shuffled() -> dict[str, float]:
    """Mean AUC by model over 12 repeats of the whole pipeline, each with labels of its own."""
    table = generate_table(116, seed=6)
    models = ("svm", "logistic", "bayes", "small", "mlp")
    found = evaluate(table, repeats=12, shuffled=True, features=("nested",), models=models)
    return {
        model: float(fold_aucs(found.splits, found.scores["nested", model]).mean())
        for model in models
    }
