"""JSON as readers see it: the same value, and what is plain on one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexnet_study.files import indented_json

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner))


@given(VALUES)
def test_indented_json_holds_the_value(value: object) -> None:
    assert json.loads(indented_json(value)) == json.loads(json.dumps(value))


def test_lists_and_mappings_of_plain_values_lie_on_one_line() -> None:
    value = {"ratios": [0.5, 0.25], "rows": [{"n": 1, "name": "λ"}, {"n": 2, "name": None}], "empty": [[]], "n": 3}
    assert indented_json(value).decode() == (
        '{\n "ratios": [0.5, 0.25],\n "rows": [\n  {"n": 1, "name": "λ"},\n  {"n": 2, "name": null}\n ],\n'
        ' "empty": [[]],\n "n": 3\n}\n'
    )


def test_json_has_no_nan() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        indented_json({"rows": [[float("nan")]]})
