"""Numbers of things and times, as people say them."""

import pytest

from alexnet_study.wording import count, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (59, "59 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (725, "12 min"),
        (3599, "1 h 0 min"),
        (11100, "3 h 5 min"),
    ],
)
def test_times_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs")])
def test_one_is_no_plural(number: int, text: str) -> None:
    assert count(number, "run") == text
