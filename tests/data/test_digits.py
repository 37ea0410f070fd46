"""scikit-learn's digits."""

from pathlib import Path

from alexnet_study.data.cache import load_dataset


def test_digits_are_split_in_equal_shares(tmp_path: Path) -> None:
    data = load_dataset("digits", cache=tmp_path)
    shares = data.test.labels.bincount() / (data.test.labels.bincount() + data.train.labels.bincount())
    assert len(data.train) + len(data.test) == 1797
    assert ((shares - 0.2).abs() < 0.02).all()
