"""Why a job ended, from what SLURM's daemons and the run itself left in logs and queue; no accounting needed."""

import re
from pathlib import Path

from alexnet_study.cluster.containers.table import RUNTIMES
from alexnet_study.cluster.plans.lives import IN_VAIN, NEXT_LIFE
from alexnet_study.runs.interruption import TERMINATED

ENDED_WITHOUT_A_WORD = "ended without a word"
STOPPED = (TERMINATED, "stopped")  # what runs say of SIGTERM: now, and once
PREEMPTED = "returned to the queue: preempted"  # a batch script's own line
TAIL_BYTES = 65536

# Lines of slurmstepd, srun, docker_process and the runtimes, the telling ones first: a job out of memory is then
# cancelled too.
SETUP_FAILED = (  # with the line before, its own words; 143 is SIGTERM: another line says why that came
    r"^(?:\S*/slurm_script: )?(?!error: setup)(\S.*)\n"
    r"error: setup ended the job with exit code (?!143\b)(\d+) in: (.*)$"
)
LINES = (  # a pattern, and the cause, which may quote its groups
    (r"Detected \d+ oom.kill event|task \d+: Out Of Memory|container was killed: out of memory", "out of memory"),
    (r"CANCELLED AT \S+ DUE TO NODE FAILURE", "node failure"),
    (r"CANCELLED AT \S+ DUE TO TIME LIMIT", "time limit"),
    (rf"CANCELLED AT \S+ DUE TO PREEMPTION|^{PREEMPTED}$", "preempted"),
    (r"\*\*\* STEP \S+ ON \S+ FAILED", "killed: its batch script"),
    (SETUP_FAILED, r"setup ended the job with exit code \2 in: \3 (\1)"),
    (r"^error: (setup ended the job with exit code (?!143\b).*)$", r"\1"),
    (r"\*\*\* (?:JOB|STEP) \S+ ON \S+ CANCELLED AT \S+(?: DUE to SIGNAL \w+)? \*\*\*", "cancelled"),
    (r"execve\(\): (.*)$", r"cannot start \1"),
    *((pattern, r"container: \1") for runtime in RUNTIMES.values() for pattern in runtime.failures),
    (r"Error while finding module specification .*(No module named \S+?)\)?$", r"\1"),
    (
        r"/slurm_script: (line \d+: .*: (?:command not found|No such file or directory|Permission denied))$",
        r"batch script: \1",
    ),
    (r"task \d+: Killed|container was killed", "killed"),
)
LOST_GPU = re.compile(r"GPU lost on ([A-Za-z0-9_.-]+): ")  # the words of a LostGpuError
STATES = {
    "TIMEOUT": "time limit",
    "OUT_OF_MEMORY": "out of memory",
    "NODE_FAIL": "node failure",
    "BOOT_FAIL": "node failure",
    "PREEMPTED": "preempted",
    "CANCELLED": "cancelled",
    "DEADLINE": "time limit",
}
OTHER_DEVICE = re.compile(r"the run's checkpoint was made with device (.*): going on would not give the same bits")
ERROR = re.compile(r"^(?:error: .*|[A-Za-z_][\w.]*(?:Error|Exception|Interrupt)\b.*)$", re.MULTILINE)


def settles(own: str | None) -> bool:
    """Return whether a run's own word says why it ended; of SIGTERM only the scheduler knows what it meant by it."""
    return own not in (None, *STOPPED, ENDED_WITHOUT_A_WORD)


def from_lines(text: str) -> str | None:
    """Return the cause that the last life's lines of a job's standard error name; None where they name none."""
    last = re.split(rf"DUE TO JOB REQUEUE \*\*\*$|^{NEXT_LIFE}\d+$", text, flags=re.MULTILINE)[-1]
    found = ((re.search(pattern, last, flags=re.MULTILINE), cause) for pattern, cause in LINES)
    return next((match.expand(cause) for match, cause in found if match), None)


def why_returned(text: str) -> str | None:
    """Return why a job's last life was returned to the queue, as its standard error tells; None where it doesn't."""
    life = text.rpartition(NEXT_LIFE)[2]
    return "preempted" if PREEMPTED in life.splitlines() else from_lines(life)


def lost_gpu(cause: str) -> str | None:
    """Return the node whose GPU was lost; None where that is not the cause."""
    found = LOST_GPU.match(cause)
    return found[1] if found else None


def from_state(state: str, reason: str = "") -> str | None:
    """Return the cause that a state of squeue or sacct names; None where it names none."""
    reason = reason if reason not in ("None", "NonZeroExitCode") else ""
    if state == "FAILED" and reason:
        return f"failed: {reason}"
    return STATES.get(state)


def last_error(text: str) -> str | None:
    """Return the last line that tells an error; what a user can do about it, where that is short."""
    found = ERROR.findall(text)
    if not found:
        return None
    other = OTHER_DEVICE.search(found[-1])
    if other is not None:
        return f"another device: pass inexact_resume or exclude the node ({other[1]})"
    return str(found[-1]).removeprefix("error: ").strip()


def given_up(text: str) -> str | None:
    """Return why a run's job gave it up, if that is the last that its log tells."""
    last = last_error(text)
    return last if last is not None and last.startswith(IN_VAIN) else None


def tail(path: Path) -> str:
    """Return the end of a log; empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
