"""Every rule errs, or covers, as often as is stated: a little here, at length under the marker `slow`."""

import sys

import numpy as np
import pytest

from benchmarks.simulations import SIMULATIONS, Simulation, __main__
from benchmarks.simulations.simulation import SEEDS, at_most, between, exactly, table

STATED = [simulation for simulation in SIMULATIONS if simulation.stated]
BRIEFLY, AT_LENGTH = 1000, 5000


def name(simulation: Simulation) -> str:
    return f"{simulation.rule}, {simulation.what}"


@pytest.mark.parametrize("simulation", STATED, ids=name)
@pytest.mark.parametrize("n", SEEDS)
def test_a_rule_is_as_stated(simulation: Simulation, n: int) -> None:
    rate = simulation.rate(n, BRIEFLY)
    assert simulation.holds(n, rate, BRIEFLY), f"{rate} where {simulation.statement(n)} is stated"


@pytest.mark.slow
@pytest.mark.parametrize("simulation", STATED, ids=name)
def test_a_rule_is_as_stated_at_length(simulation: Simulation) -> None:
    rates = {n: simulation.rate(n, AT_LENGTH) for n in SEEDS}
    assert all(simulation.holds(n, rate, AT_LENGTH) for n, rate in rates.items()), rates


def coin(p: float, stated: object = exactly(0.5)) -> Simulation:
    def draw(rng: np.random.Generator, n: int, count: int) -> np.ndarray:
        return rng.uniform(size=count) < p

    return Simulation(rule="coin", what="heads", draw=draw, stated=stated)  # type: ignore[arg-type]


def test_a_rate_may_be_four_standard_errors_off() -> None:
    fair = coin(0.5)
    assert fair.holds(3, 0.5 + 3.9 * 0.5 / 20, 400)
    assert not fair.holds(3, 0.5 + 4.1 * 0.5 / 20, 400)
    assert coin(0.5, at_most(0.05)).holds(3, 0.0, 400)
    assert not coin(0.5, between(0.9, 1.0)).holds(3, 0.8, 400)
    assert coin(0.5, None).holds(3, 1.0, 400)
    assert fair.rate(3, 100) == fair.rate(3, 100) != fair.rate(5, 100)


def test_the_table_says_what_was_found_and_stated() -> None:
    text = table([coin(0.5), coin(0.5, at_most(0.6)), coin(1.0, None)], [[0.5] * 4] * 3, 1000)
    assert "| coin | heads | 0.500 | 0.500 | 0.500 | 0.500 | 0.500 | 1,000 |" in text
    assert "| ≤ 0.600 |" in text
    assert "| – |" in text


def test_the_command_prints_a_table_and_fails_where_a_rule_is_astray(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["simulations", "--replications", "200"])
    monkeypatch.setattr(__main__, "SIMULATIONS", (coin(0.5),))
    __main__.main()
    assert capsys.readouterr().out.startswith("| rule | event | n = 3 |")
    monkeypatch.setattr(__main__, "SIMULATIONS", (coin(0.9),))
    with pytest.raises(SystemExit, match="not as stated"):
        __main__.main()
