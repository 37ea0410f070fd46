"""Which look is in force, and what it makes of p."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexnet_study.report.statistics.looks import State, adjusted_for_look, look_in_force

PLAN = {10: 0.2, 20: 0.8}


@pytest.mark.parametrize(
    ("seeds", "state", "number", "used", "share", "fresh"),
    [
        (0, State.INTERIM, 0, 0, 0.0, 0),
        (9, State.INTERIM, 0, 0, 0.0, 9),
        (10, State.JUDGED, 1, 10, 0.2, 0),
        (19, State.JUDGED, 1, 10, 0.2, 9),
        (20, State.JUDGED, 2, 20, 0.8, 0),
        (23, State.REPLICATION, 2, 20, 0.8, 3),
    ],
)
def test_the_last_look_reached_is_in_force(
    seeds: int, state: State, number: int, used: int, share: float, fresh: int
) -> None:
    look = look_in_force(PLAN, seeds)
    assert (look.state, look.number, look.n_used, look.share, look.fresh) == (state, number, used, share, fresh)


@given(st.dictionaries(st.integers(1, 30), st.floats(0.01, 0.1), min_size=1, max_size=9), st.integers(0, 40))
def test_no_seed_is_lost_and_only_a_planned_look_is_used(looks: dict[int, float], seeds: int) -> None:
    look = look_in_force(looks, seeds)
    assert look.n_used + look.fresh == seeds
    assert (look.state is State.INTERIM) == (seeds < min(looks)) == (look.n_used == 0)
    assert (look.state is State.REPLICATION) == (seeds > max(looks))
    assert look.number == sum(n <= seeds for n in looks)


@pytest.mark.parametrize("looks", [{}, {0: 1.0}, {5: 0.0}, {5: 0.6, 10: 0.6}, {5: -0.1}])
def test_what_is_no_plan_is_refused(looks: dict[int, float]) -> None:
    with pytest.raises(ValueError, match="looks map"):
        look_in_force(looks, 5)


def test_p_is_divided_by_the_share() -> None:
    assert adjusted_for_look([0.01, None, 0.5], 0.2) == [pytest.approx(0.05), None, 1.0]
    assert adjusted_for_look([0.01, 0.9], 1.0) == [0.01, 0.9]
    for share in (0.0, 1.1):
        with pytest.raises(ValueError, match="share"):
            adjusted_for_look([0.1], share)
