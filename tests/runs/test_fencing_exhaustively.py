"""The fence's protocol in every schedule: no older attempt's file after a newer one took over, no summary lost.

The explorer fails where a file of the run changes while another attempt holds the folder, a summary vanishes or is
torn, an attempt that nobody replaced ends by an error, nobody finishes though nobody was killed, or one more start
does not finish and leave the summary alone behind. Each attempt may be killed at any of its operations.
"""

from typing import Any

import pytest

TWO_JOBS = ("1", 0), ("2", 0)
ONE_JOB_RESTARTED = ("1", 0), ("1", 1)
THREE_JOBS = ("1", 0), ("2", 0), ("3", 0)

Exploration = Any  # the fixture's type: tests do not import each other


def report(name: str, explorer: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{name}: {len(explorer.parents):,} states, {explorer.transitions:,} steps, {explorer.ends:,} ends")


@pytest.mark.parametrize("jobs", [TWO_JOBS, ONE_JOB_RESTARTED], ids=["two jobs", "one job restarted"])
def test_two_attempts_on_a_local_file_system(
    explore: Exploration, jobs: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    report("two attempts, local", explore(*jobs, nfs=False, kills=2), capsys)


def test_two_attempts_on_a_network_file_system(explore: Exploration, capsys: pytest.CaptureFixture[str]) -> None:
    report("two attempts, like NFS", explore(*TWO_JOBS, nfs=True), capsys)


def test_one_attempt_whose_renames_lose_their_replies(explore: Exploration, capsys: pytest.CaptureFixture[str]) -> None:
    report("one attempt, like NFS, lost replies", explore(("1", 0), nfs=True, kills=1, losses=9), capsys)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [TWO_JOBS, ONE_JOB_RESTARTED], ids=["two jobs", "one job restarted"])
def test_two_attempts_one_of_whose_renames_loses_its_reply(
    explore: Exploration, jobs: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    report("two attempts, like NFS, a lost reply", explore(*jobs, nfs=True, kills=2, losses=1), capsys)


@pytest.mark.parametrize("nfs", [False, True], ids=["local", "like NFS"])
def test_three_attempts_with_a_switch_from_one_that_could_go_on(
    explore: Exploration, nfs: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    report("three attempts, 1 switch", explore(*THREE_JOBS, nfs=nfs, switches=1), capsys)


@pytest.mark.slow
@pytest.mark.parametrize("nfs", [False, True], ids=["local", "like NFS"])
def test_three_attempts_with_two_switches(explore: Exploration, nfs: bool, capsys: pytest.CaptureFixture[str]) -> None:
    report("three attempts, 2 switches", explore(*THREE_JOBS, nfs=nfs, switches=2), capsys)


WRITE = "write_atomically(path, content, staging=self.staging)"
TAKE = "os.rename(folder, inside)"
FAULTS: dict[str, tuple[tuple[str, str], dict[str, Any]]] = {
    "it takes nobody's folder": ((TAKE, "pass"), {}),
    "it checks, then renames": ((WRITE, "(self.staging / BEAT).read_text(); write_atomically(path, content)"), {}),
    "it writes in place": ((WRITE, "self.staging.is_dir() and path.write_text(content.decode())"), {}),
    "it takes the dead alone": (
        ("[*rivals.values(), *self", "[*(rivals[t] for t in rivals if t not in living), *self"),
        {},
    ),
    "it moves folders aside, not into its own": (
        ('inside = self.staging / f"{REMOVED}', 'inside = self.folder / f"{REMOVED}'),
        {},
    ),
    "it gives up before one that was only seen": (
        ("if any(watch.has_beaten(token) for token in newer)", "if newer"),
        {"jobs": ONE_JOB_RESTARTED, "kills": 1},
    ),
    "it does not delete what it took": (("            _delete(inside)\n", ""), {"nfs": True}),
    "it deletes once": (("for _ in range(100):", "for _ in range(1):"), {"nfs": True}),
    "it believes that a file is there": (
        ("if not self.staging.is_dir():\n                        raise\n", "raise\n"),
        {"nfs": True},
    ),
}
FAULTS_OF_THREE = {
    "it goes on where a folder was gone": ("found = False", "pass"),
    "it does not look after its own folder": (
        "                self.beat()  # where a third",
        "                # where a third",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_put_into_the_fence_is_found(explore: Exploration, name: str) -> None:
    fault, where = FAULTS[name]
    options = {"jobs": TWO_JOBS, "nfs": False, **where}
    with pytest.raises(explore.Fault):
        explore(*options.pop("jobs"), fault=fault, **options)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS_OF_THREE)
def test_a_fault_that_takes_three_attempts_is_found(explore: Exploration, name: str) -> None:
    with pytest.raises(explore.Fault, match="changed a file while"):
        explore(*THREE_JOBS, nfs=True, switches=3, fault=FAULTS_OF_THREE[name])
