"""Equations from data: the library, the regression beside pysindy's, and the whole command."""

from pathlib import Path

import numpy as np
import pytest

from fourcast_training.sindy.ensemble import ensemble
from fourcast_training.sindy.library import Library
from fourcast_training.sindy.lorenz import (
    VARIABLES,
    Motion,
    integrate,
    simulate,
    true_coefficients,
    velocity,
)
from fourcast_training.sindy.report import equations, has_right_terms
from fourcast_training.sindy.stlsq import stlsq
from fourcast_training.sindy.train import SindyConfig, main

CUBIC = Library(VARIABLES, 3)


@pytest.fixture(scope="module")
def motion() -> Motion:
    return simulate(3000, 0.01, 0.1, seed=3)


def test_the_library_has_every_monomial_once() -> None:
    assert Library(("x", "y"), 2).terms == ["1", "x", "y", "x²", "xy", "y²"]
    assert len(CUBIC.terms) == len(set(CUBIC.terms)) == 20
    states = np.array([[2.0, 3.0, 5.0], [0.0, -1.0, 0.5]])
    values = dict(zip(CUBIC.terms, CUBIC.evaluate(states).T, strict=True))
    np.testing.assert_array_equal(values["1"], [1, 1])
    np.testing.assert_array_equal(values["xy²"], [18, 0])
    np.testing.assert_array_equal(values["xyz"], [30, 0])
    np.testing.assert_array_equal(values["z³"], [125, 0.125])


def test_the_coefficients_are_the_lorenz_equations() -> None:
    states = np.random.default_rng(0).normal(size=(50, 3)) * 10
    found = CUBIC.evaluate(states) @ true_coefficients(CUBIC)
    np.testing.assert_allclose(found, velocity(states), rtol=1e-13, atol=1e-12)
    assert equations(CUBIC, true_coefficients(CUBIC)) == [
        "dx/dt = -10.000 x + 10.000 y",
        "dy/dt = 28.000 x - 1.000 y - 1.000 xz",
        "dz/dt = -2.667 z + 1.000 xy",
    ]
    with pytest.raises(ValueError, match="no term 'xz'"):
        true_coefficients(Library(VARIABLES, 1))


def test_the_motion_follows_the_equations() -> None:
    states = integrate(velocity, np.array([1.0, 2.0, 20.0]), 400, 0.001)
    differences = np.gradient(states, 0.001, axis=0, edge_order=2)
    np.testing.assert_allclose(differences, velocity(states), atol=0.02)


def test_a_motion_that_leaves_ends_there() -> None:
    states = integrate(lambda state: state**2, np.array([1.0, 2.0, 3.0]), 1000, 0.01)
    assert 10 < len(states) < 40  # z is infinite at t = 1/3
    assert np.all(np.isfinite(states))


@pytest.mark.parametrize("degree", [2, 3])
def test_exact_derivatives_give_the_equations_exactly(motion: Motion, degree: int) -> None:
    library = Library(VARIABLES, degree)
    found = stlsq(library.evaluate(motion.states), motion.exact_derivatives, threshold=0.2)
    np.testing.assert_allclose(found, true_coefficients(library), rtol=0, atol=1e-12)


@pytest.mark.parametrize("threshold", [0.05, 0.2, 1.5])
@pytest.mark.parametrize("ridge", [0.0, 0.05])
def test_our_regression_is_that_of_pysindy(motion: Motion, threshold: float, ridge: float) -> None:
    pysindy = pytest.importorskip("pysindy", reason="pysindy, the oracle, is not installed")
    theta, derivatives = CUBIC.evaluate(motion.measured), motion.measured_derivatives
    oracle = pysindy.STLSQ(threshold=threshold, alpha=ridge).fit(theta, derivatives)
    found = stlsq(theta, derivatives, threshold=threshold, ridge=ridge)
    assert np.any(found)
    np.testing.assert_allclose(found, oracle.coef_.T, rtol=0, atol=1e-10)


def test_a_threshold_above_everything_leaves_nothing(motion: Motion) -> None:
    theta = CUBIC.evaluate(motion.states)
    assert not np.any(stlsq(theta, motion.exact_derivatives, threshold=1e6))
    assert equations(CUBIC, np.zeros((20, 3)))[0] == "dx/dt = 0"


def test_ridge_shrinks_what_is_chosen_but_not_what_is_returned() -> None:
    x = np.linspace(-1, 1, 50)[:, None]
    theta = np.hstack([x, x**2])
    target = 0.3 * x
    np.testing.assert_allclose(
        stlsq(theta, target, threshold=0.1, ridge=10.0), np.array([[0.3], [0.0]]), atol=1e-14
    )
    # 0.3 shrinks below the threshold: the sum of the squares is about 17.3, so to 0.3 / 6.7.
    assert not np.any(stlsq(theta, target, threshold=0.1, ridge=100.0))


def test_the_vote_finds_the_terms_in_noise() -> None:
    motion = simulate(10_000, 0.01, 0.1, seed=0)
    theta, derivatives = CUBIC.evaluate(motion.measured), motion.measured_derivatives
    found = ensemble(theta, derivatives, threshold=0.2, bags=40)
    truth = true_coefficients(CUBIC)
    assert has_right_terms(found.coefficients, truth)
    np.testing.assert_allclose(found.coefficients, truth, atol=0.4)
    assert found.inclusion[truth != 0].min() > 0.6 > found.inclusion[truth == 0].max()
    assert found.spread[truth != 0].min() > 0
    again = ensemble(theta, derivatives, threshold=0.2, bags=40)
    np.testing.assert_array_equal(again.inclusion, found.inclusion)


def test_only_noise_has_no_right_terms() -> None:
    motion = simulate(1000, 0.01, 0.1, seed=0)
    shuffled = np.random.default_rng(0).permutation(motion.measured_derivatives)
    found = ensemble(CUBIC.evaluate(motion.measured), shuffled, threshold=0.2, bags=10)
    assert not has_right_terms(found.coefficients, true_coefficients(CUBIC))


def test_the_command_prints_equations_and_draws_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["--seeds", "1", "--bags", "20", "--language", "en"])
    printed = capsys.readouterr().out
    assert printed.startswith("dx/dt = -")
    assert "| right terms |" in printed
    (vote,) = (line for line in printed.splitlines() if "ensemble of 20 bags" in line)
    assert "1 of 1 seeds" in vote
    picture = tmp_path / "runs" / "sindy" / "lorenz.png"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_command_speaks_spanish(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = ["--folder", str(tmp_path)]
    main([*places, "--seeds", "1", "--bags", "2", "--samples", "500", "--language", "es"])
    printed = capsys.readouterr().out
    assert "| términos correctos |" in printed
    assert "conjunto de 2 remuestreos" in printed


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"seeds": 0}, "--seeds 0 is below 1"),
        ({"samples": 5}, "--samples 5 is below 100"),
        ({"degree": 1}, "--degree 1 is not between 2 and 5"),
        ({"threshold": 0.0}, "--threshold 0.0 is not a positive number"),
        ({"noise": -1.0}, "--noise -1.0 is not 0"),
    ],
)
def test_what_cannot_be_done_is_refused(option: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SindyConfig(**option)  # type: ignore[arg-type]  # one option of any type
