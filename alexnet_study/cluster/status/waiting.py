"""Why a job waits: SLURM's reasons in words, and what a user can do."""

from alexnet_study.cluster.launchers.launcher import QueuedJob

RELEASE = "make retry releases it"
WORDS = {  # reasons of squeue
    "Resources": "waits for free nodes",
    "Priority": "other jobs go first",
    "Dependency": "waits for other jobs",
    "BeginTime": "starts soon after its return to the queue",
    "JobArrayTaskLimit": "as many of its array run as the profile's parallelism allows",
    "PartitionDown": "its partition takes no jobs at present",
    "PartitionInactive": "its partition takes no jobs at present",
    "ReqNodeNotAvail": "its nodes are down or reserved",
    "NodeDown": "its node is down",
    "Reservation": "waits for its reservation to begin",
    "QOSMaxJobsPerUserLimit": "you have as many jobs as your QOS allows at once",
    "QOSMaxSubmitJobPerUserLimit": "you have as many jobs as your QOS allows",
    "QOSMaxGRESPerUser": "you have as many GPUs as your QOS allows at once",
    "QOSGrpGRES": "your QOS has as many GPUs as it may",
    "AssocGrpJobsLimit": "your account has as many jobs as it may at once",
    "AssocMaxJobsLimit": "you have as many jobs as your account allows at once",
    "Licenses": "waits for a license",
}
STATES = {  # states that are a reason by themselves
    "SPECIAL_EXIT": f"held after a special exit (SPECIAL_EXIT): {RELEASE}",
    "REQUEUE_HOLD": f"held after its requeue (REQUEUE_HOLD): {RELEASE}",
    "SUSPENDED": "suspended by the scheduler: it goes on by itself",
    "STOPPED": "stopped by the scheduler: it goes on by itself",
}


def why_waiting(queued: QueuedJob, *, minutes: int) -> str:
    """Return why a job does not run, "" where nobody says; minutes: its time limit."""
    if queued.state in STATES:
        return STATES[queued.state]
    reason, _, rest = queued.reason.strip().partition(" (")
    shown = rest.removesuffix(")") or reason  # what squeue says of it at length
    if reason == "JobHeldAdmin" and shown == reason:
        return f"held by an administrator ({shown}): only an administrator can release it"
    if queued.held:
        return f"held ({shown}): {RELEASE}"
    if reason == "PartitionTimeLimit":
        return f"asks for {minutes} min, more than its partition allows ({shown}): make cancel, then submit with fewer"
    if reason in ("", "None"):
        return ""
    return f"{WORDS[reason]} ({shown})" if reason in WORDS else shown
