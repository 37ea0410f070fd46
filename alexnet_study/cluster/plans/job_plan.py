"""What is sent to the cluster, written down before anything is sent: `results/<study>/.submit/<id>/plan.json`.

Files beside it are written once and never changed, so that no reader sees half a truth: `<k>.job` holds the job id that
SLURM gave the plan's k-th array; `<k>.claim` names the array's owner, whoever creates it first: the array's first task
to start, or a submitter who found no job for the array and gives it up. So an array that a dying submitter still got
through to SLURM either is known or ends at once, and no run is carried out twice at a time.
"""

import contextlib
import dataclasses
import json
import os
import pwd
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from alexnet_study.cluster.containers.runtime import JobSetting
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.errors import RequestError
from alexnet_study.files import TEMPORARY, cache_beside, sync_folder, write_json
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.validation import build

ABANDONED = "abandoned"
FOLDER = ".submit"
PATHS = ("results", "cwd", "cache")  # fields that are paths

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One run of a job: `threads` are the CPU threads that it uses."""

    variant: str
    seed: int
    threads: int

    @property
    def name(self) -> str:
        """Return the name that logs have: `skip-seed-0`."""
        return f"{self.variant}-seed-{self.seed}"

    @property
    def key(self) -> tuple[str, int]:
        """Return variant and seed."""
        return self.variant, self.seed


@dataclass(frozen=True, kw_only=True)
class PlannedArray:
    """One sbatch: jobs, each with its runs in order. An array without jobs is the report's; a job without runs checks
    its GPU.

    token: the comment by which its jobs are found in the queue.
    """

    token: str
    name: str
    jobs: tuple[tuple[PlannedRun, ...], ...] = ()

    @property
    def reports(self) -> bool:
        """Return whether this is the report's job."""
        return not self.jobs

    def job_id(self, array: str, index: int) -> str:
        """Return the id of a job as squeue shows it; submitit sends an array of one as a plain job."""
        return f"{array}_{index}" if len(self.jobs) > 1 else array


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """One submission. Paths are absolute.

    source: the data. cpus: of a job with runs. environment: what the runs are told
    of their code.
    """

    id: str
    created: float
    study: str
    results: Path
    cwd: Path
    source: str
    cache: Path | None
    profile: Profile
    cpus: int
    environment: Mapping[str, str]
    arrays: tuple[PlannedArray, ...] = field(default=())

    @property
    def folder(self) -> Path:
        """Return where the plan and all that belongs to it lie."""
        return submissions(self.results, self.study) / self.id

    def paths(self) -> list[Path]:
        """Return the folders that a job reads and writes, each once; without a cache a container decodes data anew."""
        source = Path(self.source) if os.path.isabs(self.source) else None
        beside = cache_beside(source) if source is not None and cache_beside(source).is_dir() else None
        found = (self.cwd, self.results, source, self.cache or beside)
        return [path for path in dict.fromkeys(found) if path is not None]

    @property
    def submitters(self) -> list[int]:
        """Return the id of the user who submitted the plan, nothing before that or where nobody has the id here."""
        try:
            user = self.folder.stat().st_uid
            pwd.getpwuid(user)
        except (OSError, KeyError):
            return []
        return [user]

    @property
    def study_file(self) -> Path:
        """Return the path of the frozen study."""
        return self.folder / "study.yaml"

    @property
    def code(self) -> Path:
        """Return the folder of the frozen code, where no container holds it."""
        return self.folder / "code"

    @property
    def jobs_folder(self) -> Path:
        """Return submitit's folder: batch scripts, pickles, the jobs' own output."""
        return self.folder / "jobs"

    @property
    def lives_folder(self) -> Path:
        """Return the folder in which jobs write down each start of a run."""
        return self.folder / "lives"

    def setting(self, *, reports: bool, cache: Path | None = None) -> JobSetting:
        """Return what a container runtime is told of a job, the report's or a run's; cache: staged data."""
        paths = (*self.paths(), *([] if cache is None else [cache]))
        gpu = self.profile.gpus > 0 and not reports
        return JobSetting(container=self.profile.container, cwd=self.cwd, paths=tuple(dict.fromkeys(paths)), gpu=gpu)

    def profile_of(self, array: int) -> Profile:
        """Return the profile for the jobs of an array, which are of one variant, or for the report's."""
        first = next((run for job in self.arrays[array].jobs for run in job), None)
        return self.profile if first is None else self.profile.of_variant(first.variant)

    def write(self) -> None:
        """Write plan.json, after which the plan exists."""
        write_json(self.folder / "plan.json", _plain(self))

    def job_of(self, array: int) -> str | None:
        """Return the job id that SLURM gave an array, None while it is not known."""
        with contextlib.suppress(FileNotFoundError):
            return str(json.loads((self.folder / f"{array}.job").read_text())["job"])
        return None

    def record_job(self, array: int, job: str) -> None:
        """Write down the job id of an array."""
        write_json(self.folder / f"{array}.job", {"job": job, "time": time.time()})

    def own(self, array: int, owner: str) -> str:
        """Own an array, unless somebody does; return its owner: ABANDONED, or the id of the job that started."""
        return create_once(self.folder / f"{array}.claim", owner)

    def owner(self, array: int) -> str | None:
        """Return who owns an array: ABANDONED, the id of the job that started, or None while nobody does."""
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / f"{array}.claim").read_text()
        return None

    @property
    def runs(self) -> list[PlannedRun]:
        """Return all runs, in order."""
        return [run for array in self.arrays for job in array.jobs for run in job]


def submissions(results: Path, study: str) -> Path:
    """Return the folder of a study's submissions."""
    return results / study / FOLDER


def read_plan(folder: Path) -> JobPlan:
    """Return the plan of a submission's folder.

    Raise RequestError, which names its file, where that is damaged or another version of the code wrote it.
    """
    path = folder / "plan.json"
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RequestError(f"{path}: not JSON: {error}; expected a submission's plan, or no such folder") from None
    if isinstance(plain, dict):
        plain |= {name: Path(plain[name]) for name in PATHS if isinstance(plain.get(name), str)}
    return build(JobPlan, plain, str(path))


def read_plans(results: Path, study: str) -> list[JobPlan]:
    """Return all submissions of a study, oldest first; a folder without plan.json was never sent."""
    found = [read_plan(path.parent) for path in submissions(results, study).glob("*/plan.json")]
    return sorted(found, key=lambda plan: (plan.created, plan.id))


def new_id() -> str:
    """Return a new submission's id: its time, and some randomness."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


def arrays_of(
    study: str,
    submission: str,
    runs: Iterable[RunConfig],
    *,
    runs_per_job: int,
    most_jobs: int,
    room: int | None = None,
) -> Iterator[PlannedArray]:
    """Yield one array a variant, or several where `most_jobs` bounds an array; then the report's job.

    room: how many jobs with runs may be planned, the first ones; None: all.
    """
    runs = list(runs)
    count = 0
    for variant in dict.fromkeys(run.variant for run in runs):
        planned = [
            PlannedRun(variant=variant, seed=run.seed, threads=run.recipe.threads)
            for run in runs
            if run.variant == variant
        ]
        jobs = list(_pieces(planned, runs_per_job))[:room]
        room = None if room is None else room - len(jobs)
        for piece in _pieces(jobs, most_jobs):
            yield PlannedArray(token=_token(study, submission, count), name=f"{study}-{variant}", jobs=piece)
            count += 1
    yield PlannedArray(token=_token(study, submission, count), name=f"{study}-report")


def local_array(study: str, submission: str, runs: Iterable[RunConfig]) -> PlannedArray:
    """Return what a local supervisor carries out: each run a job, in the study's order."""
    planned = [PlannedRun(variant=run.variant, seed=run.seed, threads=run.recipe.threads) for run in runs]
    return PlannedArray(token=_token(study, submission, 0), name=study, jobs=tuple((run,) for run in planned))


def create_once(path: Path, content: str) -> str:
    """Create `path` with `content` in it, unless it exists; return what stands in it. Exclusive on NFS too."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}{TEMPORARY}")
    temporary.write_text(content)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)  # whole from the first moment on, unlike a file that is created, then filled
    finally:
        temporary.unlink()
    sync_folder(path.parent)
    return path.read_text()


def _plain(value: object) -> object:
    """Return the JSON values of a plan, in full: a default that changes later changes no plan."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _token(study: str, submission: str, array: int) -> str:
    return f"{study}/{submission}/{array}"


def _pieces(items: list[T], size: int) -> Iterator[tuple[T, ...]]:
    for start in range(0, len(items), size):
        yield tuple(items[start : start + size])
