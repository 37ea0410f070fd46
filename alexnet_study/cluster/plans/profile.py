"""A profile says where and with what means runs are carried out; nothing scientific stands in it.

Every value that reaches a batch script is validated here, `setup` excepted, which is shell by definition. What only a
launcher can judge is checked where a profile is loaded.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from alexnet_study.cluster.containers.runtime import Container, Runtime
from alexnet_study.cluster.containers.table import check_container, runtime_of
from alexnet_study.cluster.plans.sbatch_options import UNSAFE, check_options, gpus_of
from alexnet_study.errors import RequestError
from alexnet_study.gpu import DEVICES
from alexnet_study.study.configs import RunConfig

WORD = re.compile(r"[A-Za-z0-9_.:,@/+-]*")  # partitions, accounts, GPUs such as gpu:h100:1 or gpu:1g.10gb:1
EXPRESSION = re.compile(r"[A-Za-z0-9_.:,@+*&|!()\[\]-]*")  # constraints and host lists
MAIL = re.compile(r"([A-Za-z0-9_.+%-]+(@[A-Za-z0-9.-]+)?)?")
WEBHOOK = re.compile(r"(https?://[!-~]+)?")


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
class VariantMeans:
    """Means of one variant's jobs, where they differ from the profile's own; None: they don't."""

    minutes: int | None = None
    memory_gb: float | None = None
    partition: str | None = None

    def over(self, profile: "Profile") -> "Profile":
        """Return the profile for this variant's jobs."""
        own = {name: value for name, value in vars(self).items() if value is not None}
        return replace(profile, variants={}, **own)


@dataclass(frozen=True, kw_only=True)
class Notify:
    """Who is told when a study is done or stuck. An empty text tells nobody.

    mail: an address, to which SLURM writes when the report's job ends or fails. command: a line of shell, which gets
    the notice's text on standard input, and STUDY and STATE (`done` or `stuck`) in its environment. webhook: an
    address that gets the notice as JSON. Command and webhook are called by the report's job, where its Python runs.
    """

    mail: str = ""
    command: str = ""
    webhook: str = ""

    def __post_init__(self) -> None:
        if not MAIL.fullmatch(self.mail):
            raise RequestError(f"mail: {self.mail!r} is not valid; expected an address such as me@lab.example")
        check_text(self.command, "command")
        if not WEBHOOK.fullmatch(self.webhook):
            raise RequestError(f"webhook: {self.webhook!r} is not valid; expected an address of https:// or http://")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Means of a study's jobs. An empty text or a 0 leaves the choice to the cluster, unless said otherwise.

    launcher: a name in the table, such as `slurm`, or `local` for this machine. minutes: time limit of a job. gres: a
    job's GPU, empty for none. device: what the runs are told to compute on, one of gpu.DEVICES; empty: where the job
    asks for a GPU that GPU, so that one which can't be used is an error, else what works. cpus: of a job; 0: as many as
    its runs' threads. parallelism: most jobs of an array at once; locally, the most CPU runs at once, 0 meaning cores
    over threads. max_jobs: most of the study's jobs in the queue, the report's among them, as a QOS may bound them; 0:
    no bound. runs_per_job: runs in one job, of which side_by_side at once on a CPU, and on a GPU as many as its
    memory holds. warning_seconds: how long before the limit a job is told to write its checkpoint; 0: as long as its
    container runtime needs. max_requeues: how often an unfinished job returns to the queue by itself. stage: data is
    copied to the node's temporary disk first. inexact_resume: a run may go on on another device model or other
    versions, recorded as not bit-exact. sbatch: more options of sbatch, by name, as they are. variants: other means of
    a variant's jobs, by its name.
    """

    launcher: str = "slurm"
    partition: str = ""
    account: str = ""
    qos: str = ""
    minutes: int = 60
    gres: str = "gpu:1"
    device: str = ""
    cpus: int = 0
    memory_gb: float = 0.0
    constraint: str = ""
    exclude: str = ""
    parallelism: int = 0
    max_jobs: int = 0
    runs_per_job: int = 1
    side_by_side: int = 1
    warning_seconds: int = 0
    max_requeues: int = 100
    setup: tuple[str, ...] = ()
    stage: bool = False
    inexact_resume: bool = False
    cluster: str = ""
    wckey: str = ""
    sbatch: Mapping[str, object] = field(default_factory=dict)
    container: Container = field(default_factory=Container)
    report: ReportJob = field(default_factory=ReportJob)
    notify: Notify = field(default_factory=Notify)
    variants: Mapping[str, VariantMeans] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_means(self)
        for name, least in (("parallelism", 0), ("runs_per_job", 1), ("side_by_side", 1), ("max_requeues", 0)):
            _check_least(self, name, least)
        if self.device not in ("", *DEVICES):
            raise RequestError(
                f"device: {self.device!r} is not valid; expected one of {', '.join(DEVICES)}, or nothing"
            )
        if self.max_jobs < 0 or self.max_jobs == 1:
            raise RequestError(
                f"max_jobs: {self.max_jobs} is not valid; expected 0 or at least 2: a run's and the report's"
            )
        if self.notify.mail and any(name.startswith("mail-") for name in self.sbatch):
            raise RequestError("notify.mail: sbatch has mail-type or mail-user, too; expected one of both ways")
        check_options(self.sbatch, gres=self.gres, memory_gb=self.memory_gb)
        check_container(self.container)
        for name in ("mounts", "arguments"):
            for value in getattr(self.container, name):
                check_text(value, f"container.{name}")
        check_text(self.container.image, "container.image")
        if not 0 < self.warning < 60 * self.minutes:
            raise RequestError(
                f"warning_seconds: {self.warning} is not valid; expected more than 0 and less than the "
                f"{self.minutes} minutes of the job"
            )
        for name, means in self.variants.items():
            try:
                means.over(self)
            except RequestError as error:
                raise RequestError(f"variants.{name}.{error}") from None

    def of_variant(self, name: str) -> "Profile":
        """Return the profile for the jobs of a variant."""
        return self.variants[name].over(self) if name in self.variants else self

    def check_variants(self, known: Iterable[str]) -> None:
        """Raise RequestError where the profile names a variant that the study doesn't have."""
        known = list(known)
        for name in self.variants:
            if name not in known:
                raise RequestError(f"profile: variants.{name}: no such variant; expected some of {', '.join(known)}")

    @property
    def runtime(self) -> Runtime:
        """Return the container runtime."""
        return runtime_of(self.container)

    @property
    def warning(self) -> int:
        """Return how many seconds before the time limit a job is told to write its checkpoint."""
        return self.warning_seconds or self.runtime.warning_seconds

    @property
    def packs(self) -> bool:
        """Return whether the runs of a job are one process, which packs them by its GPU's memory."""
        return self.device == "cuda"

    @property
    def gpus(self) -> int:
        """Return the GPUs of one job, as `gres` or an option of sbatch counts them; one where it gives no number."""
        if not self.gres:
            return gpus_of(self.sbatch)
        last = self.gres.rpartition(":")[2]
        return int(last) if last.isdigit() else 1

    def cpus_for(self, runs: Iterable[RunConfig]) -> int:
        """Return the CPUs of one job; raise RequestError where the profile grants fewer than the runs use at once."""
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


def check_text(value: str, name: str) -> str:
    """Return a text that will be quoted in a shell script; raise RequestError if it would end the quoted line."""
    if UNSAFE.search(value):
        raise RequestError(f"{name}: {value!r} is not valid; expected no line breaks or control characters")
    return value


def _check_means(means: Profile | ReportJob) -> None:
    for name, pattern in (
        ("cluster", WORD),
        ("partition", WORD),
        ("account", WORD),
        ("qos", WORD),
        ("gres", WORD),
        ("wckey", WORD),
    ) + (
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
