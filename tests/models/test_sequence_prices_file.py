"""Series from CSV files, and series that are made."""

from pathlib import Path

import numpy as np
import pytest

from fourcast_models.sequence.prices_file import read_series, write_series
from fourcast_training.sequence.generated import AUTOREGRESSION, SEASON_DAYS, Process, generate

GOOD = """\
date,open,high,low,close,volume
2024-02-28,10,12,9,11,5.5
2024-02-29,11,13,10,12.5,0
2024-03-01,12.5,12.5,8,9,7
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "prices.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_of_candles_is_read(tmp_path: Path) -> None:
    series = read_series(written(tmp_path, GOOD))
    assert series.name == "prices"
    assert [str(day) for day in series.days] == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert series.closes.tolist() == [11.0, 12.5, 9.0]
    assert series.log_returns == pytest.approx(np.log([12.5 / 11, 9 / 12.5]))


@pytest.mark.parametrize(
    "text",
    [
        "Close, DATE ,note\n11,2024-02-28,a\n12.5,2024-02-29,b\n9,2024-03-01,c\n",
        "\ufeffdate,close\n2024-02-28,11\n\n2024-02-29,12.5\n2024-03-01,9\n",
        "date,close\n2024-02-28T00:00:00Z,11\n2024-02-29 00:00,12.5\n20240301,9\n",
        "date,close\n2024-02-28T01:00:00+01:00,11\n2024-02-28T19:00:00-05:00,12.5\n2024-03-01,9\n",
    ],
)
def test_other_ways_to_write_the_same(tmp_path: Path, text: str) -> None:
    assert read_series(written(tmp_path, text)).sha256 == (
        read_series(written(tmp_path, GOOD)).sha256
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("2024-02-29", "2024-03-02", "line 3, column 'date': no price for 2024-02-29, 2024-03-01"),
        ("2024-02-29", "2024-02-28", "line 3, column 'date': 2024-02-28 stands here twice"),
        ("2024-03-01", "2024-01-01", "line 4, column 'date': 2024-01-01 comes after 2024-02-29"),
        ("2024-02-29", "29/02/2024", "line 3, column 'date': '29/02/2024' is not a day such as"),
        ("2024-02-29", "2023-02-29", "line 3, column 'date': '2023-02-29' is not a day"),
        (
            "2024-02-29",
            "2024-02-29T00:00:00+02:00",
            "line 3, column 'date': .* is 2024-02-28 22:00:00 in UTC: .* midnight in UTC",
        ),
        ("12.5,0", ",0", r"line 3, column 'close': there is no price \(NaN\)"),
        ("12.5,0", "nan,0", r"line 3, column 'close': there is no price \(NaN\)"),
        ("12.5,0", "-12.5,0", "line 3, column 'close': -12.5 is not a price"),
        ("12.5,0", "0,0", "line 3, column 'close': 0.0 is not a price"),
        ("12.5,0", "12.5.1,0", "line 3, column 'close': '12.5.1' is not a number such as"),
        ("12.5,0", "15,0", "line 3, column 'close': 15.0 does not lie between the day's low 10.0"),
        ("12.5,0", "12.5,-1", "line 3, column 'volume': -1.0 is below 0"),
        ("9,11,5.5", "0,11,5.5", "line 2, column 'low': 0.0 is not a price above 0"),
        ("10,12", "x,12", "line 2, column 'open': 'x' is not a number"),
        ("close", "price", "line 1: there is no column 'close', but date, open, high, low, price"),
        ("open", "close", "line 1: the column 'close' is there twice"),
    ],
)
def test_an_error_names_line_and_column(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(ValueError, match=words):
        read_series(written(tmp_path, GOOD.replace(old, new, 1)))


@pytest.mark.parametrize("text", ["", "date,close\n"])
def test_an_empty_file_says_so(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"no column 'date', but nothing|0 days are too few"):
        read_series(written(tmp_path, text))


def test_a_series_is_written_and_read_back(tmp_path: Path) -> None:
    series = generate("garch", 50, seed=3)
    file = tmp_path / "garch.csv"
    file.write_bytes(write_series(series))
    assert read_series(file).sha256 == series.sha256


def test_real_files_are_good(shared_data: Path) -> None:
    for name, days in (("btc_usd_daily", 4885), ("eth_usd_daily", 3434)):
        assert len(read_series(shared_data / "crypto" / f"{name}.csv")) == days


@pytest.mark.parametrize("process", ["random_walk", "autoregression", "garch", "seasonal"])
def test_a_seed_gives_one_series(process: Process) -> None:
    first, again, other = (generate(process, 400, seed) for seed in (1, 1, 2))
    assert first.sha256 == again.sha256 != other.sha256
    assert len(first) == 400
    assert (first.closes > 0).all()


def autocorrelation(values: np.ndarray, lag: int) -> float:
    return float(np.corrcoef(values[lag:], values[:-lag])[0, 1])


def test_the_processes_are_what_they_are_called() -> None:
    days = 20_000
    walk, again, wild, weekly = (
        generate(process, days, seed=5).log_returns
        for process in ("random_walk", "autoregression", "garch", "seasonal")
    )
    noise = 4 / np.sqrt(days)
    assert abs(autocorrelation(walk, 1)) < noise
    assert abs(autocorrelation(np.abs(walk), 1)) < noise
    assert autocorrelation(again, 1) == pytest.approx(AUTOREGRESSION, abs=noise)
    assert autocorrelation(again, 2) == pytest.approx(AUTOREGRESSION**2, abs=noise)
    assert abs(autocorrelation(wild, 1)) < 2 * noise
    assert autocorrelation(np.abs(wild), 1) > 0.1
    assert autocorrelation(weekly, SEASON_DAYS) > 0.15
    assert np.std(walk) == pytest.approx(np.std(again), rel=0.05)


def test_a_series_of_one_day_is_none() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        generate("random_walk", 1, seed=0)
