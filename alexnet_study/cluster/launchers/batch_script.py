"""Batch scripts, by submitit: the exact text of an array's script, and sending it."""

import os
import shlex
from pathlib import Path

import submitit
from submitit.core.utils import DelayedSubmission, JobPaths

from alexnet_study.cluster.launchers.slurm_clients import SlurmClients
from alexnet_study.cluster.node.job import carry_out
from alexnet_study.cluster.plans.job_plan import JobPlan, PlannedArray
from alexnet_study.cluster.plans.lives import NEXT_LIFE
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.cluster.plans.sbatch_options import OF_RUNS
from alexnet_study.errors import RequestError
from alexnet_study.runs.attempts import JOB_START

KILLED_BY_WARNING = 128 + 12  # USR2 came before the run could listen
REPORT_WARNING_SECONDS = 10  # a report has nothing to save
UNENDING = 1_000_000  # submitit's own bound of requeues, which counts nothing here

SETUP_BEGINS = """set -e; trap 'echo "error: setup ended the job with exit code $? in: $BASH_COMMAND" >&2' EXIT"""
SETUP_ENDS = "set +e; trap - EXIT"

# The host side returns an unfinished job to the queue: containers have no scontrol. Cancelled jobs stay cancelled.
# One task of every array has the array's own id as its SLURM_JOB_ID.
TEARDOWN = """\
rc=$?
if [ $rc = 75 ] || [ $rc = {killed} ]; then
  if [ "${{SLURM_RESTART_COUNT:-0}}" -ge {most} ]; then
    echo "not requeued: max_requeues is {most}" >&2
  else
    job=${{SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}}${{SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}}
    state=$(scontrol show job --oneliner "$job")
    case "$state" in *PreemptTime=[0-9]*) echo "returned to the queue: preempted" >&2 ;; esac
    case "$state" in
      *JobState=CANCELLED*) ;;
      *) scontrol requeue "$job" ;;
    esac
  fi
fi
exit $rc"""


class _Executor(submitit.SlurmExecutor):
    """submitit's, asked for a script's text only, where SLURM need not be installed."""

    @classmethod
    def affinity(cls) -> int:
        return 2

    def text(self, jobs: int) -> str:
        """Return the script of an array of so many jobs, or of a plain job; without the wckey that submitit adds."""
        if jobs > 1:
            self.parameters["map_count"] = jobs
        text = self._make_submission_file_text(self._submitit_command_str, "")
        return text if "wckey" in self.parameters else text.replace("#SBATCH --wckey=submitit\n", "", 1)


def script(plan: JobPlan, array: int, dependency: str = "") -> str:
    """Return the exact text of an array's batch script."""
    return _executor(plan, array, dependency).text(max(1, len(plan.arrays[array].jobs)))


def send(plan: JobPlan, array: int, clients: SlurmClients, dependency: str = "") -> str:
    """Send an array; return its job id. Raise RunError if sbatch fails, though SLURM may have the job."""
    plan.jobs_folder.mkdir(parents=True, exist_ok=True)
    path = plan.jobs_folder / f"array-{array}.sh"
    path.write_text(script(plan, array, dependency), encoding="utf-8")
    for index in _indices(plan, array):
        _write_pickle(plan, array, index)  # before sbatch: a full disk shall send nothing
    job = clients.sbatch(path)
    complete(plan, array, job)
    return job


def complete(plan: JobPlan, array: int, job: str) -> None:
    """Give the pickles of a job their names, also if the submitter died before he could."""
    for index in _indices(plan, array):
        path = JobPaths(plan.jobs_folder, job_id=plan.arrays[array].job_id(job, index)).submitted_pickle
        if not path.exists():
            _write_pickle(plan, array, index).rename(path)


def _indices(plan: JobPlan, array: int) -> range:
    return range(max(1, len(plan.arrays[array].jobs)))


def _write_pickle(plan: JobPlan, array: int, index: int) -> Path:
    """Return the file, written unless it is there, of what a job shall call."""
    path = plan.jobs_folder / f".array-{array}-{index}.pkl"
    if not path.exists():
        delayed = DelayedSubmission(carry_out, str(plan.folder), array, index)
        delayed.set_timeout(_minutes(plan.profile_of(array), plan.arrays[array]), UNENDING)
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        delayed.dump(temporary)
        temporary.rename(path)
    return path


def job_log(plan: JobPlan, job: str) -> Path:
    """Return the file that holds a job's own standard error, with the words of SLURM's daemons."""
    return JobPaths(plan.jobs_folder, job_id=job).stderr


def check_paths(plan: JobPlan) -> None:
    """Raise RequestError where a path would be read as more: by sbatch (%), or in a container's list (: and ,)."""
    bad = "%\\" + plan.profile.runtime.separators
    for path in plan.paths():
        if any(sign in bad or ord(sign) < 32 for sign in str(path)):
            raise RequestError(f"{str(path)!r}: expected a path without line breaks or any of {' '.join(bad)}")


def _executor(plan: JobPlan, array: int, dependency: str) -> _Executor:
    profile, planned = plan.profile_of(array), plan.arrays[array]
    setting = plan.setting(reports=planned.reports)
    cpus = profile.report.cpus if planned.reports else plan.cpus
    srun = [f"--cpus-per-task={cpus}"]  # srun stopped taking it from the job in SLURM 22.05
    python = shlex.join(profile.runtime.job_python(setting))
    executor = _Executor(plan.jobs_folder, max_num_timeout=UNENDING, python=python)
    executor.update_parameters(
        job_name=planned.name,
        comment=planned.token,
        cpus_per_task=cpus,
        signal_delay_s=REPORT_WARNING_SECONDS if planned.reports else profile.warning,
        setup=[*_exports(plan, planned), *_setup(profile)],
        teardown=TEARDOWN.format(killed=KILLED_BY_WARNING, most=profile.max_requeues).splitlines(),
        srun_args=[*srun, *profile.runtime.srun_arguments(setting)],
        additional_parameters={**_options(profile, planned), "requeue": True, "chdir": str(plan.cwd)},
        **_resources(profile, planned, dependency),
    )
    return executor


def _resources(profile: Profile, planned: PlannedArray, dependency: str) -> dict[str, str | int]:
    """Return sbatch's parameters that a profile sets; what is empty stays with the cluster's default."""
    report = profile.report
    memory = report.memory_gb if planned.reports else profile.memory_gb
    asked: dict[str, str | int] = {
        "partition": (planned.reports and report.partition) or profile.partition,
        "time": _minutes(profile, planned),
        "mem": f"{int(memory * 1024)}M" if memory else "",
        "account": profile.account,
        "qos": profile.qos,
        "wckey": profile.wckey,
        "dependency": dependency,
    }
    if not planned.reports:
        asked |= {"gres": profile.gres, "constraint": profile.constraint, "exclude": profile.exclude}
        asked["array_parallelism"] = profile.parallelism or len(planned.jobs)
    return {name: value for name, value in asked.items() if value}


def _minutes(profile: Profile, planned: PlannedArray) -> int:
    """Return the time limit of an array's jobs."""
    return profile.report.minutes if planned.reports else profile.minutes


def _setup(profile: Profile) -> list[str]:
    """Return the profile's lines of shell; one that fails, or exits, ends the job and is named in its log."""
    if not profile.setup:
        return []
    return [SETUP_BEGINS, *profile.setup, SETUP_ENDS]


def _options(profile: Profile, planned: PlannedArray) -> dict[str, object]:
    """Return the profile's own options of sbatch, of the report's job those that aren't a run's means."""
    options = {n: value for n, value in profile.sbatch.items() if not (planned.reports and n in OF_RUNS)}
    if planned.reports and profile.notify.mail:
        options |= {"mail-type": "END,FAIL", "mail-user": profile.notify.mail}
    return {**options, "clusters": profile.cluster} if profile.cluster else options


def _exports(plan: JobPlan, planned: PlannedArray) -> list[str]:
    """Return lines that bind a job to its frozen code, or to the image's, whatever the submitter's shell held."""
    inside = plan.profile.runtime.holds_job
    environment = {"PYTHONPATH": "" if inside else str(plan.code), "PYTHONSAFEPATH": "1"}
    environment |= {"PYTHONNOUSERSITE": "1"} if inside else {}
    environment |= plan.profile.runtime.job_environment(plan.setting(reports=planned.reports))
    begins = [
        f"export {JOB_START}=$(date +%s)",
        f'[ -z "$SLURM_RESTART_COUNT" ] || echo "{NEXT_LIFE}$SLURM_RESTART_COUNT" >&2',
    ]
    return [*begins, *(f"export {name}={shlex.quote(value)}" for name, value in environment.items())]
