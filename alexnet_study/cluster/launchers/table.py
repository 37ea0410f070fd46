"""The table of launchers, a further one being its file and its line here; and what is asked of all of a study's."""

from collections.abc import Iterable, Mapping, Sequence

from alexnet_study.cluster.launchers.launcher import Key, Launcher, QueuedJob, SentJob
from alexnet_study.cluster.launchers.local import Local
from alexnet_study.cluster.launchers.slurm import Slurm
from alexnet_study.cluster.plans.job_plan import JobPlan
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.errors import RequestError, RunError

LAUNCHERS: Mapping[str, type[Launcher]] = {
    launcher.name: launcher
    for launcher in (
        Slurm,
        Local,
    )
}
Queues = Mapping[Launcher, Sequence[QueuedJob] | None]  # None where a queue is not known


def check_launcher(profile: Profile) -> None:
    """Raise RequestError if a profile's launcher is unknown, or the profile asks for what that doesn't know."""
    if profile.launcher not in LAUNCHERS:
        raise RequestError(f"launcher: {profile.launcher!r} is not valid; expected {' or '.join(LAUNCHERS)}")
    LAUNCHERS[profile.launcher].of(profile).check_profile(profile)


def completed(profile: Profile) -> Profile:
    """Return the profile with what the site's environment says where it leaves something open."""
    return LAUNCHERS[profile.launcher].of(profile).completed(profile)


def avoiding(profile: Profile, nodes: Sequence[str]) -> Profile:
    """Return the profile for jobs that shall not run on these nodes, where its launcher has a choice of nodes."""
    return LAUNCHERS[profile.launcher].of(profile).avoiding(profile, nodes)


def launcher_of(plan: JobPlan) -> Launcher:
    """Return the launcher that a plan is, or was, sent by."""
    return LAUNCHERS[plan.profile.launcher].of(plan.profile)


def queues(plans: Iterable[JobPlan]) -> Queues:
    """Return the queue of every launcher that has one of these plans; raise RunError if one doesn't answer."""
    return {launcher: launcher.queue(users) for launcher, users in _users(plans).items()}


def known_queues(plans: Iterable[JobPlan]) -> tuple[Queues, list[RunError]]:
    """Return the queues, None for each that doesn't answer, and why those don't."""
    known: dict[Launcher, Sequence[QueuedJob] | None] = {}
    silent = []
    for launcher, users in _users(plans).items():
        try:
            known[launcher] = launcher.queue(users)
        except RunError as error:
            known[launcher] = None
            silent.append(error)
    return known, silent


def settle(plans: Iterable[JobPlan], known: Queues) -> None:
    """Settle arrays that nobody finished sending; under the study's lock only."""
    for plan in plans:
        launcher_of(plan).settle(plan, known[launcher_of(plan)] or ())


def jobs(plans: Iterable[JobPlan], known: Queues) -> list[SentJob]:
    """Return the jobs of these plans, oldest submission first."""
    return [job for plan in plans for job in launcher_of(plan).jobs(plan, known[launcher_of(plan)])]


def live_jobs(plans: Iterable[JobPlan], known: Queues) -> list[SentJob]:
    """Return the jobs that wait or run, oldest submission first."""
    return [job for job in jobs(plans, known) if job.live]


def by_run(sent: Iterable[SentJob]) -> dict[Key, SentJob]:
    """Return the newest of these jobs that has a run, for each run."""
    return {key: job for job in sent for key in job.runs}


def cancel(sent: Iterable[SentJob]) -> None:
    """Cancel live jobs, each by its launcher."""
    for launcher, own in _by_launcher(sent).items():
        launcher.cancel(own)


def release(sent: Iterable[SentJob]) -> list[SentJob]:
    """Let held jobs go, each by its launcher; return those that were let go."""
    return [job for launcher, own in _by_launcher(sent).items() for job in launcher.release(own)]


def accounts(sent: Iterable[SentJob]) -> dict[str, str]:
    """Return the states of ended jobs by id, as far as there is accounting."""
    found: dict[str, str] = {}
    for launcher, own in _by_launcher(sent).items():
        found |= launcher.accounts(sorted({job.id for job in own}))
    return found


def _users(plans: Iterable[JobPlan]) -> dict[Launcher, set[int]]:
    """Return the launchers of these plans, each with the ids of those who submitted by it."""
    found: dict[Launcher, set[int]] = {}
    for plan in plans:
        found.setdefault(launcher_of(plan), set()).update(plan.submitters)
    return found


def _by_launcher(sent: Iterable[SentJob]) -> dict[Launcher, list[SentJob]]:
    found: dict[Launcher, list[SentJob]] = {}
    for job in sent:
        found.setdefault(launcher_of(job.plan), []).append(job)
    return found
