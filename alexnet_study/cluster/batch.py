"""Batch scripts, by submitit: the exact text of an array's script, and sending it."""

import contextlib
import io
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import submitit
from submitit.core.utils import DelayedSubmission, FailedJobError, FailedSubmissionError, JobPaths

from alexnet_study.cluster.job import carry_out
from alexnet_study.cluster.plan import Plan, PlannedArray
from alexnet_study.cluster.profiles import Container, Profile
from alexnet_study.errors import RequestError, RunError

KILLED_BY_WARNING = 128 + 12  # USR2 came before the run could listen
REPORT_WARNING_SECONDS = 10  # a report has nothing to save
UNENDING = 1_000_000  # submitit's own bound of requeues, which counts nothing here

# The host side returns an unfinished job to the queue: containers have no scontrol. Cancelled jobs stay cancelled.
TEARDOWN = """\
rc=$?
if [ $rc = 75 ] || [ $rc = {killed} ]; then
  if [ "${{SLURM_RESTART_COUNT:-0}}" -ge {most} ]; then
    echo "not requeued: max_requeues is {most}" >&2
  else
    case "$(scontrol show job --oneliner "$SLURM_JOB_ID")" in
      *JobState=CANCELLED*) ;;
      *) scontrol requeue "$SLURM_JOB_ID" ;;
    esac
  fi
fi
exit $rc"""


class _Executor(submitit.SlurmExecutor):
    """submitit's, which can also be asked for a script's text where SLURM is not installed."""

    @classmethod
    def affinity(cls) -> int:
        return 2

    def text(self, jobs: int) -> str:
        """The script of an array of so many jobs; submitit sends one as a plain job."""
        if jobs > 1:
            self.parameters["map_count"] = jobs
        return self._make_submission_file_text(self._submitit_command_str, "")


def script(plan: Plan, array: int, dependency: str = "") -> str:
    """The exact text of an array's batch script."""
    return _executor(plan, array, dependency).text(max(1, len(plan.arrays[array].jobs)))


def send(plan: Plan, array: int, dependency: str = "") -> str:
    """Send an array; returns its job id. RunError where sbatch fails, which does not tell whether SLURM has the job."""
    planned = plan.arrays[array]
    plan.jobs_folder.mkdir(parents=True, exist_ok=True)
    indices = range(max(1, len(planned.jobs)))
    executor = _executor(plan, array, dependency)
    try:
        with _own_environment(), contextlib.redirect_stderr(io.StringIO()):
            jobs = executor.map_array(carry_out, *zip(*[(str(plan.folder), array, i) for i in indices], strict=True))
    except (FailedJobError, FailedSubmissionError) as error:
        raise RunError(f"sbatch: {' '.join(str(error).split()) or 'failed without a word'}") from None
    return str(jobs[0].job_id).partition("_")[0]


def complete(plan: Plan, array: int, job: str) -> None:
    """Write the pickles of a job that SLURM took from a submitter who died before he could name them."""
    planned = plan.arrays[array]
    for index in range(max(1, len(planned.jobs))):
        path = JobPaths(plan.jobs_folder, job_id=planned.job_id(job, index)).submitted_pickle
        if not path.exists():
            delayed = DelayedSubmission(carry_out, str(plan.folder), array, index)
            delayed.set_timeout(plan.means.minutes, UNENDING)
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            delayed.dump(temporary)
            temporary.rename(path)


def job_log(plan: Plan, job: str) -> Path:
    """The file that holds a job's own standard error, with the words of SLURM's daemons."""
    return JobPaths(plan.jobs_folder, job_id=job).stderr


def check_paths(plan: Plan) -> None:
    """RequestError where a path would be read as more: by sbatch (%), or in a container's list (: and ,)."""
    bad = "%\\" + (":," if plan.means.in_container.runtime else "")
    for path in plan.paths():
        if any(sign in bad or ord(sign) < 32 for sign in str(path)):
            raise RequestError(f"{str(path)!r}: expected a path without line breaks or any of {' '.join(bad)}")


def _executor(plan: Plan, array: int, dependency: str) -> _Executor:
    profile, planned = plan.means, plan.arrays[array]
    container = profile.in_container
    cpus = profile.report_job.cpus if planned.reports else plan.cpus
    srun = [f"--cpus-per-task={cpus}"]  # srun stopped taking it from the job in SLURM 22.05
    if container.runtime == "pyxis":
        srun += _pyxis(container, plan)
    executor = _Executor(plan.jobs_folder, max_num_timeout=UNENDING, python=_python(container, plan))
    executor.update_parameters(
        job_name=planned.name,
        comment=planned.token,
        cpus_per_task=cpus,
        signal_delay_s=REPORT_WARNING_SECONDS if planned.reports else profile.warning_seconds,
        setup=[*_exports(container, plan), *profile.setup],
        teardown=TEARDOWN.format(killed=KILLED_BY_WARNING, most=profile.max_requeues).splitlines(),
        srun_args=srun,
        additional_parameters={"requeue": True, "chdir": str(plan.cwd)},
        **_means(profile, planned, dependency),
    )
    return executor


def _means(profile: Profile, planned: PlannedArray, dependency: str) -> dict[str, Any]:
    """sbatch's parameters that a profile sets; what is empty stays with the cluster's default."""
    report = profile.report_job
    memory = report.memory_gb if planned.reports else profile.memory_gb
    means = {
        "partition": (planned.reports and report.partition) or profile.partition,
        "time": report.minutes if planned.reports else profile.minutes,
        "mem": f"{int(memory * 1024)}M" if memory else "",
        "account": profile.account,
        "qos": profile.qos,
        "dependency": dependency,
    }
    if not planned.reports:
        means |= {"gres": profile.gres, "constraint": profile.constraint, "exclude": profile.exclude}
        means["array_parallelism"] = profile.parallelism or len(planned.jobs)
    return {name: value for name, value in means.items() if value}


def _exports(container: Container, plan: Plan) -> list[str]:
    """Lines that bind a job to its frozen code, or to the container's, whatever the submitter's shell held."""
    code = "" if container.holds_code else str(plan.code)
    lines = [f"export PYTHONPATH={shlex.quote(code)}", "export PYTHONSAFEPATH=1"]
    return [*lines, "export PYTHONNOUSERSITE=1"] if container.holds_code else lines


def _python(container: Container, plan: Plan) -> str:
    """The shell words that start the job's Python."""
    if container.runtime == "pyxis":
        return "python"
    if container.runtime == "apptainer":
        binds = [word for mount in _mounts(container, plan) for word in ("--bind", mount)]
        words = ["apptainer", "exec", *container.arguments, *binds, "--pwd", str(plan.cwd)]
        return shlex.join([*words, _image(container, plan), "python"])
    return shlex.quote(sys.executable)


def _pyxis(container: Container, plan: Plan) -> list[str]:
    mounts = ",".join(_mounts(container, plan))
    words = [
        f"--container-image={_image(container, plan)}",
        f"--container-mounts={mounts}",
        f"--container-workdir={plan.cwd}",
    ]
    return [*words, *container.arguments]


def _mounts(container: Container, plan: Plan) -> list[str]:
    """What a container sees at the same path as the host, and the profile's own mounts."""
    return [f"{path}:{path}" for path in plan.paths()] + list(container.mounts)


def _image(container: Container, plan: Plan) -> str:
    """The image's absolute path, or its address as it stands."""
    return container.image if "://" in container.image else os.path.join(plan.cwd, container.image)


@contextlib.contextmanager
def _own_environment() -> Iterator[None]:
    """Submitting from inside a job must not hand that job's own variables on; where SLURM is stays known."""
    conf = os.environ.get("SLURM_CONF")
    with submitit.helpers.clean_env():
        if conf is not None:
            os.environ["SLURM_CONF"] = conf
        yield
