"""Whose folder of submissions it is."""

import os
from pathlib import Path

import pytest

from alexnet_study.cluster.plans.lock import study_lock
from alexnet_study.errors import RequestError


def test_another_users_folder_is_refused_in_one_line_unless_its_group_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "results/tiny/.submit"
    with study_lock(folder):
        pass
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    refusal = r"belongs to user \w+; expected results of your own.*nothing was sent"
    with pytest.raises(RequestError, match=refusal), study_lock(folder):
        pytest.fail("it was locked")
    assert not (folder / "lock").exists()
    folder.chmod(0o2775)
    with study_lock(folder):
        pass
