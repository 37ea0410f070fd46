"""SLURM's clients: what the queue holds, and how jobs are cancelled, requeued and released. None waits for long."""

import re
import shutil
import subprocess

from submitit.slurm.slurm import read_job_id

from alexnet_study.cluster.launchers.launcher import QueuedJob
from alexnet_study.errors import RequestError, RunError

SECONDS = 12.0  # clients give up by themselves after 9 s without a controller
DEFAULT_MAX_ARRAY_SIZE = 1001
FIELDS = ("%i", "%T", "%R", "%r", "%M", "%N", "%k")  # the comment last: it may hold anything


class SilentControllerError(RunError):
    """The controller does not answer."""


def available() -> bool:
    """Whether SLURM's clients are installed."""
    return shutil.which("sbatch") is not None and shutil.which("squeue") is not None


def require_clients() -> None:
    """RequestError where there is no SLURM."""
    if not available():
        raise RequestError(
            "no sbatch on this machine's PATH: expected a cluster's login node; DRY_RUN=1 shows what would be sent, "
            "PROFILE=local runs here"
        )


def queue() -> list[QueuedJob]:
    """Every job that the controller knows, live or ended; SilentControllerError where it does not answer."""
    lines = _client("squeue", "--all", "--states=all", "--array", "--noheader", f"--format={'|'.join(FIELDS)}")
    return [job for line in lines.splitlines() for job in parse_job(line)]


def parse_job(line: str) -> list[QueuedJob]:
    """The jobs of one line of squeue: several where it shows array tasks as a range, `12_[3-5]`."""
    shown, state, where, reason, used, node, comment = line.split("|", len(FIELDS) - 1)
    if state == "PENDING":  # %R says in brackets what %r says in a word, and of a held job sometimes more
        reason = f"{reason} {where}"
    array = shown.partition("_")[0]
    return [
        QueuedJob(id=name, array=array, state=state, reason=reason, node=node, used=used, comment=comment)
        for name in _names(shown)
    ]


def accounting(jobs: list[str]) -> dict[str, str]:
    """State of each job by id from sacct; empty where there is no accounting."""
    if not jobs or shutil.which("sacct") is None:
        return {}
    try:
        text = _client("sacct", "--noheader", "--parsable2", "--allocations", "-o", "JobID,State", "-j", ",".join(jobs))
    except RunError:
        return {}
    lines = [line.split("|") for line in text.splitlines()]
    return {job: state.split()[0] for job, state in (line for line in lines if len(line) == 2) if state}


def max_array_size() -> int:
    """Most jobs in one array: SLURM's MaxArraySize."""
    found = re.search(r"MaxArraySize\s*=\s*(\d+)", _client("scontrol", "show", "config"))
    return int(found.group(1)) if found else DEFAULT_MAX_ARRAY_SIZE


def cancel(jobs: list[str]) -> None:
    """Cancel jobs or whole arrays; those that ended meanwhile are no mistake."""
    if jobs:
        _client("scancel", "--quiet", *jobs)


def release(jobs: list[str]) -> None:
    """Let held jobs go."""
    for job in jobs:
        _client("scontrol", "release", job)


def _names(shown: str) -> list[str]:
    names = []
    for main, *ends in read_job_id(shown):
        indices = range(int(ends[0]), int(ends[-1]) + 1) if ends else []
        names += [f"{main}_{index}" for index in indices] if ends else [main]
    return names


def _client(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise SilentControllerError(f"{words[0]}: SLURM's controller did not answer in {SECONDS:.0f} s") from None
    except FileNotFoundError:
        raise SilentControllerError(f"{words[0]}: not on this machine's PATH") from None
    if done.returncode:
        raise SilentControllerError(f"{words[0]}: {' '.join(done.stderr.split()) or 'failed'}")
    return done.stdout
