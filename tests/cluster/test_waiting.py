"""Why a job waits, in words, with what a user can do about it."""

import pytest

from alexnet_study.cluster.launchers.launcher import QueuedJob
from alexnet_study.cluster.status.waiting import why_waiting


def queued(state: str, reason: str) -> QueuedJob:
    return QueuedJob(id="1", array="1", state=state, reason=reason, node="", used="0:00", comment="")


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("PENDING", "Resources (Resources)", "waits for free nodes (Resources)"),
        ("PENDING", "Priority (Priority)", "other jobs go first (Priority)"),
        ("PENDING", "None (None)", ""),
        (
            "PENDING",
            "PartitionTimeLimit (PartitionTimeLimit)",
            "asks for 60 min, more than its partition allows (PartitionTimeLimit): make cancel, then submit with fewer",
        ),
        ("PENDING", "JobHeldUser (JobHeldUser)", "held (JobHeldUser): make retry releases it"),
        (
            "PENDING",
            "JobHeldAdmin (JobHeldAdmin)",
            "held by an administrator (JobHeldAdmin): only an administrator can release it",
        ),
        (
            "PENDING",
            "JobHeldAdmin (launch failed requeued held)",
            "held (launch failed requeued held): make retry releases it",
        ),
        (
            "PENDING",
            "launch failed requeued held (launch failed requeued held)",
            "held (launch failed requeued held): make retry releases it",
        ),
        ("PENDING", "Dependency ", "waits for other jobs (Dependency)"),
        (
            "PENDING",
            "ReqNodeNotAvail (ReqNodeNotAvail, UnavailableNodes:gpu[1-2])",
            "its nodes are down or reserved (ReqNodeNotAvail, UnavailableNodes:gpu[1-2])",
        ),
        ("PENDING", "AssocGrpGRES (AssocGrpGRES)", "AssocGrpGRES"),
        ("SPECIAL_EXIT", "None", "held after a special exit (SPECIAL_EXIT): make retry releases it"),
        ("REQUEUE_HOLD", "None", "held after its requeue (REQUEUE_HOLD): make retry releases it"),
        ("SUSPENDED", "None", "suspended by the scheduler: it goes on by itself"),
        ("STOPPED", "None", "stopped by the scheduler: it goes on by itself"),
    ],
)
def test_a_reason_is_told_in_words(state: str, reason: str, words: str) -> None:
    assert why_waiting(queued(state, reason), minutes=60) == words


@pytest.mark.parametrize(
    ("state", "reason", "held"),
    [
        ("PENDING", "JobHeldUser (JobHeldUser)", True),
        ("PENDING", "JobHeldAdmin (launch failed requeued held)", True),
        ("PENDING", "launch failed requeued held (launch failed requeued held)", True),
        ("SPECIAL_EXIT", "None", True),
        ("REQUEUE_HOLD", "None", True),
        ("PENDING", "Priority (Priority)", False),
        ("RUNNING", "None", False),
    ],
)
def test_what_waits_for_a_release_is_held(state: str, reason: str, held: bool) -> None:
    assert queued(state, reason).held is held
