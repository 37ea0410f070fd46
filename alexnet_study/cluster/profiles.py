"""A profile says where and with what means runs are carried out; nothing scientific stands in it.

A YAML file, or the name of one that ships. Every value that reaches a batch script is validated here, `setup`
excepted, which is shell by definition.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from alexnet_study.errors import RequestError
from alexnet_study.shipped import PROFILES
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.validation import build

RUNTIMES = ("apptainer", "pyxis", "docker")
WORD = re.compile(r"[A-Za-z0-9_.:,@/+-]*")  # partitions, accounts, GPUs such as gpu:h100:1 or gpu:1g.10gb:1
EXPRESSION = re.compile(r"[A-Za-z0-9_.:,@+*&|!()\[\]-]*")  # constraints and host lists
LOCAL_KEYS = ("launcher", "parallelism", "max_requeues", "inexact_resume")
UNSAFE = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True)
class Container:
    """What holds the code: runtime, one of RUNTIMES; image, a path, an address or (docker) a name; mounts `A:B`."""

    runtime: str = ""
    image: str = ""
    mounts: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.runtime and (self.image or self.mounts or self.arguments):
            raise RequestError(f"runtime: missing; expected one of {', '.join(RUNTIMES)}")
        if self.runtime and self.runtime not in RUNTIMES:
            raise RequestError(f"runtime: {self.runtime!r} is not valid; expected one of {', '.join(RUNTIMES)}")
        if self.runtime and not self.image:
            raise RequestError("image: missing; expected the image's path, address or name")
        for name in ("mounts", "arguments"):
            for value in getattr(self, name):
                check_text(value, name)
        check_text(self.image, "image")

    @property
    def holds_code(self) -> bool:
        """Whether a job's own Python runs inside; with docker each run gets a container of its own instead."""
        return self.runtime in ("apptainer", "pyxis")


@dataclass(frozen=True, kw_only=True)
class ReportJob:
    """Means of the job that reports behind the runs; it asks for no GPU. memory_gb 0: the cluster's default."""

    partition: str = ""
    minutes: int = 30
    cpus: int = 1
    memory_gb: float = 0.0

    def __post_init__(self) -> None:
        _check_means(self)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Means of a study's jobs. An empty text or a 0 leaves the choice to the cluster, unless said otherwise.

    launcher: `slurm`, or `local` for this machine. minutes: time limit of a job. gres: a job's GPU, empty for none.
    cpus: of a job; 0: as many as its runs' threads. parallelism: most jobs of an array at once; locally, the most
    CPU runs at once, 0 meaning cores over threads. runs_per_job: runs in one job, of which side_by_side at once.
    warning_seconds: how long before the limit a job is told to write its checkpoint. max_requeues: how often an
    unfinished job returns to the queue by itself. stage: data is copied to the node's temporary disk first.
    inexact_resume: a run may go on on another device model or other versions, recorded as not bit-exact.
    """

    launcher: str = "slurm"
    partition: str = ""
    account: str = ""
    qos: str = ""
    minutes: int = 60
    gres: str = "gpu:1"
    cpus: int = 0
    memory_gb: float = 0.0
    constraint: str = ""
    exclude: str = ""
    parallelism: int = 0
    runs_per_job: int = 1
    side_by_side: int = 1
    warning_seconds: int = 90
    max_requeues: int = 100
    setup: tuple[str, ...] = ()
    stage: bool = False
    inexact_resume: bool = False
    container: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.launcher not in ("slurm", "local"):
            raise RequestError(f"launcher: {self.launcher!r} is not valid; expected slurm or local")
        _check_means(self)
        for name, least in (("parallelism", 0), ("runs_per_job", 1), ("side_by_side", 1), ("max_requeues", 0)):
            _check_least(self, name, least)
        if not 0 < self.warning_seconds < 60 * self.minutes:
            raise RequestError(
                f"warning_seconds: {self.warning_seconds!r} is not valid; expected more than 0 and less than the "
                f"{self.minutes} minutes of the job"
            )
        build(Container, self.container, "container")
        build(ReportJob, self.report, "report")
        if self.launcher == "local":
            self._check_local()

    def _check_local(self) -> None:
        for each in dataclasses.fields(self):
            default = each.default if each.default is not dataclasses.MISSING else {}
            if each.name not in LOCAL_KEYS and getattr(self, each.name) != default:
                raise RequestError(f"{each.name}: means nothing to launcher local; expected {', '.join(LOCAL_KEYS)}")

    @property
    def in_container(self) -> Container:
        """The container's part, validated."""
        return build(Container, self.container, "container")

    @property
    def report_job(self) -> ReportJob:
        """The report job's part, validated."""
        return build(ReportJob, self.report, "report")

    @property
    def gpus(self) -> int:
        """GPUs of one job: the count at the end of `gres`, 1 where none stands there."""
        if not self.gres:
            return 0
        last = self.gres.rpartition(":")[2]
        return int(last) if last.isdigit() else 1

    def cpus_for(self, runs: Iterable[RunConfig]) -> int:
        """CPUs of one job; RequestError where the profile grants fewer than the runs use at once."""
        runs = list(runs)
        greedy = max(runs, key=lambda run: run.recipe.threads)
        at_once = min(self.side_by_side, self.runs_per_job)
        needed = greedy.recipe.threads * at_once
        if self.cpus and self.cpus < needed:
            raise RequestError(
                f"profile: cpus: {self.cpus} is too few; expected at least {needed}, for {at_once} at once of the "
                f"{greedy.recipe.threads} threads of variant {greedy.variant}"
            )
        return self.cpus or needed

    def as_mapping(self) -> dict[str, Any]:
        """The profile as plain values, in full."""
        plain: dict[str, Any] = {}
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            plain[each.name] = dict(value) if isinstance(value, Mapping) else value
            if isinstance(value, tuple):
                plain[each.name] = list(value)
        return plain


def load_profile(name: str) -> Profile:
    """The profile of a file, or of one that ships; RequestError says what is wrong with it."""
    path = PROFILES.find(name)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RequestError(f"profile {path}: cannot be read: {reason}") from None
    except yaml.YAMLError as error:
        raise RequestError(f"profile {path}: not YAML: {' '.join(str(error).split())}") from None
    return build(Profile, document or {}, f"profile {path}")


def check_text(value: str, name: str) -> str:
    """A path or argument that will be quoted in a shell script; control characters would end the quoted line."""
    if UNSAFE.search(value):
        raise RequestError(f"{name}: {value!r} is not valid; expected no line breaks or control characters")
    return value


def _check_means(means: Profile | ReportJob) -> None:
    for name, pattern in (("partition", WORD), ("account", WORD), ("qos", WORD), ("gres", WORD)) + (
        ("constraint", EXPRESSION),
        ("exclude", EXPRESSION),
    ):
        value = getattr(means, name, "")
        if not pattern.fullmatch(value):
            raise RequestError(f"{name}: {value!r} is not valid; expected a SLURM name or expression, without spaces")
    _check_least(means, "minutes", 1)
    _check_least(means, "cpus", 0 if isinstance(means, Profile) else 1)
    _check_least(means, "memory_gb", 0)
    for line in getattr(means, "setup", ()):
        if "\n" in line:
            raise RequestError(f"setup: {line!r} is not valid; expected one line of shell an entry")


def _check_least(means: object, name: str, least: int) -> None:
    if getattr(means, name) < least:
        raise RequestError(f"{name}: {getattr(means, name)!r} is not valid; expected at least {least}")
