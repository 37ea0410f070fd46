"""SLURM's clients: what the queue holds, and how jobs are sent, cancelled and released. None waits for long.

They run in an environment of their own: what a shell holds for other purposes (SQUEUE_USERS, SCANCEL_STATE, variables
of the job that this command may run in) must not change what they do or show.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alexnet_study.cluster.launchers.launcher import QueuedJob
from alexnet_study.errors import RequestError, RunError

SEND_SECONDS = 120.0  # a busy controller, or a slow submit plugin
SECONDS = 12.0  # clients give up by themselves after 9 s without a controller
DEFAULT_MAX_ARRAY_SIZE = 1001
CLIENTS = re.compile(  # variables of clients, and of a job that this command may run in
    r"(SLURM|SLURMD|SBATCH|SRUN|SALLOC|SQUEUE|SCANCEL|SINFO|SACCT|SCONTROL|SPRIO|SUBMITIT)_"
    r"|(MASTER_ADDR|MASTER_PORT|RANK|WORLD_SIZE|LOCAL_RANK|LOCAL_WORLD_SIZE)$"
)
KEPT = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT")  # where SLURM is, and who asks
FIELDS = ("%i", "%T", "%R", "%r", "%M", "%N", "%j", "%k")  # the comment last: it may hold anything
STATE = re.compile(r"[A-Z_]+")
JOB = re.compile(r"(\d+)(?:_(\d+)|_\[(\d+(?:[-:,]\d+)*)(?:%\d+)?\])?")


class SilentControllerError(RunError):
    """The controller does not answer."""


def available() -> bool:
    """Return whether SLURM's clients are installed."""
    return shutil.which("sbatch") is not None and shutil.which("squeue") is not None


def require_clients() -> None:
    """Raise RequestError where there is no SLURM."""
    if not available():
        raise RequestError(
            "no sbatch on this machine's PATH: expected a cluster's login node; DRY_RUN=1 shows what would be sent, "
            "PROFILE=local runs here"
        )


@dataclass(frozen=True, kw_only=True)
class SlurmClients:
    """The clients of one cluster; "" is this machine's own."""

    cluster: str = ""

    def queue(self, users: Iterable[int] = ()) -> list[QueuedJob]:
        """Return all jobs of this user and these that the controller knows, live or ended; nobody else's cost time.

        Raise SilentControllerError if it is silent.
        """
        asked = ",".join(str(user) for user in dict.fromkeys((os.getuid(), *users)))
        words = ("--all", "--states=all", "--array", "--noheader", f"--user={asked}", f"--format={'|'.join(FIELDS)}")
        lines = self._run("squeue", *words)
        return [job for line in lines.split("\n") for job in parse_job(line)]

    def accounting(self, jobs: Sequence[str]) -> dict[str, str]:
        """Return the state of each job by id, from sacct; nothing where there is no accounting."""
        if not jobs or shutil.which("sacct") is None:
            return {}
        words = ("sacct", "--noheader", "--parsable2", "--allocations", "-o", "JobID,State", "-j", ",".join(jobs))
        try:
            text = self._run(*words)
        except RunError:
            return {}
        found: dict[str, str] = {}
        for line in text.split("\n"):
            shown, _, state = line.partition("|")
            found |= {job: state.split()[0] for job in job_names(shown) if state.strip()}
        return found

    def max_array_size(self) -> int:
        """Return the most jobs in one array: SLURM's MaxArraySize, and 1, a plain job, where it allows no arrays."""
        found = re.search(r"MaxArraySize\s*=\s*(\d+)", self._run("scontrol", "show", "config"))
        return max(1, int(found.group(1))) if found else DEFAULT_MAX_ARRAY_SIZE

    def sbatch(self, script: Path) -> str:
        """Send a batch script; return its job id. Raise RunError if sbatch fails, though SLURM may have the job."""
        said = self._run("sbatch", str(script), seconds=SEND_SECONDS)
        found = re.search(r"Submitted batch job (\d+)", said)
        if found is None:
            raise RunError(f"sbatch: expected 'Submitted batch job', got {' '.join(said.split())!r}")
        return found.group(1)

    def cancel(self, jobs: Sequence[str]) -> None:
        """Cancel jobs or whole arrays; those that ended meanwhile are no mistake."""
        if jobs:
            self._run("scancel", "--quiet", *jobs)

    def release(self, job: str) -> None:
        """Let a held job go; raise RunError where that is refused."""
        self._run("scontrol", "release", job)

    def environment(self) -> dict[str, str]:
        """Return the environment of the clients, and so of the jobs that sbatch sends."""
        own = {name: value for name, value in os.environ.items() if name in KEPT or not CLIENTS.match(name)}
        own["SLURM_BITSTR_LEN"] = "0"  # array indices are shown whole
        return own | ({"SLURM_CLUSTERS": self.cluster} if self.cluster else {})

    def _run(self, *words: str, seconds: float = SECONDS) -> str:
        try:
            done = subprocess.run(words, env=self.environment(), capture_output=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            raise SilentControllerError(f"{words[0]}: SLURM's controller did not answer in {seconds:.0f} s") from None
        except FileNotFoundError:
            raise SilentControllerError(f"{words[0]}: not on this machine's PATH") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace")
            raise SilentControllerError(
                f"{words[0]}: {_without_configuration(said) or ' '.join(said.split()) or 'failed'}"
            )
        return done.stdout.decode(errors="replace")  # SLURM's own words are ASCII; comments of others may be anything


def _without_configuration(said: str) -> str:
    """Return in words that a client found no slurm.conf, "" where it said something else."""
    named = os.environ.get("SLURM_CONF")
    if named and not os.path.isfile(named):
        return f"SLURM_CONF={named}: no such file; expected the path of the cluster's slurm.conf"
    if "stablish a configuration source" not in said:
        return ""
    return "no slurm.conf on this machine; expected export SLURM_CONF=… with its path, as make cluster-up prints it"


def parse_job(line: str) -> list[QueuedJob]:
    """Return the jobs of one line of squeue: several where it shows array tasks as a range, `12_[3-5]`.

    None of a line that isn't one of squeue's own, such as the second line of somebody's comment.
    """
    values = line.split("|", len(FIELDS) - 1)
    names = job_names(values[0]) if len(values) == len(FIELDS) and STATE.fullmatch(values[1]) else []
    if not names:
        return []
    shown, state, where, reason, used, node, name, comment = values
    if state == "PENDING":  # %R says in brackets what %r says in a word, and of a held job sometimes more
        reason = f"{reason} {where}"
    array = shown.partition("_")[0]
    return [
        QueuedJob(id=each, array=array, state=state, reason=reason, node=node, used=used, name=name, comment=comment)
        for each in names
    ]


def job_names(shown: str) -> list[str]:
    """Return the ids that SLURM shows as one: `12`, `12_3`, or `12_[0,2-4,6-8:2%1]`; nothing if it is no id."""
    found = JOB.fullmatch(shown)
    if found is None:
        return []
    main, task, ranges = found.groups()
    if ranges is None:
        return [f"{main}_{task}" if task else main]
    names = []
    for piece in ranges.split(","):
        ends, _, step = piece.partition(":")
        first, _, last = ends.partition("-")
        names += [f"{main}_{index}" for index in range(int(first), int(last or first) + 1, int(step or 1))]
    return names
