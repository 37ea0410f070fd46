"""Options of sbatch that a profile passes on as they are, and those that it must not."""

import re
from collections.abc import Mapping

from alexnet_study.errors import RequestError

NAME = re.compile(r"[a-z][a-z0-9-]*")
UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
# What a job's life, its logs and its place in an array depend on.
OWN = frozenset(
    ("array", "chdir", "comment", "dependency", "error", "input", "job-name", "no-requeue", "nodes", "ntasks")
    + ("ntasks-per-node", "open-mode", "output", "parsable", "quiet", "requeue", "signal", "test-only", "wait", "wrap")
)
KEYS = {  # the profile's name of an option
    "account": "account",
    "clusters": "cluster",
    "constraint": "constraint",
    "cpus-per-task": "cpus",
    "exclude": "exclude",
    "gres": "gres",
    "mem": "memory_gb",
    "partition": "partition",
    "qos": "qos",
    "time": "minutes",
    "wckey": "wckey",
}
GPUS = ("gpus", "gpus-per-node", "gpus-per-task", "gpus-per-socket")
MEMORY = ("mem-per-cpu", "mem-per-gpu")
# Means of a run's job, which the report's job does without.
OF_RUNS = frozenset((*GPUS, *MEMORY, "cpus-per-gpu", "exclusive", "gpu-bind", "gpu-freq", "gres-flags", "nodelist"))


def check_options(options: Mapping[str, object], *, gres: str, memory_gb: float) -> None:
    """Raise RequestError if an option is the product's own, has another key, or a value that sbatch can't be given."""
    for name, value in options.items():
        where = f"sbatch.{name}:"
        if not NAME.fullmatch(name):
            raise RequestError(
                f"{where} is no option of sbatch; expected a name such as mail-type, without dashes before"
            )
        if name in OWN:
            raise RequestError(f"{where} is the product's own; expected another option of sbatch")
        if name in KEYS:
            raise RequestError(f"{where} has a key of its own; expected {KEYS[name]}")
        if (name in GPUS and gres) or (name in MEMORY and memory_gb):
            own = (
                'gres, which is set; expected gres: ""' if name in GPUS else "memory_gb, which is set; expected 0 there"
            )
            raise RequestError(f"{where} means the same as {own}")
        if value is False or not isinstance(value, bool | int | float | str) or UNSAFE.search(str(value)):
            raise RequestError(f"{where} {value!r} is not valid; expected true, a number, or a text of one line")


def gpus_of(options: Mapping[str, object]) -> int:
    """Return how many GPUs the options ask for, 0 without such an option: `2`, `h100:2`, `h100` alone is one."""
    asked = next((str(options[name]) for name in GPUS if name in options), "")
    last = asked.rpartition(":")[2]
    return int(last) if last.isdigit() else int(bool(asked))
