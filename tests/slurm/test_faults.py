"""Faults drawn at random over a study in mid-training: every result has the bits of an undisturbed run."""

import contextlib
import json
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from alexnet_study.runs.folder import RunFolder
from tests.slurm.conftest import LEARNING, Site

KINDS = {
    "kill step": 4,
    "kill batch script": 4,
    "cancel": 4,
    "requeue": 4,
    "warning": 2,
    "lose node": 1,
    "power off": 1,
}  # of 20
LAST_EPOCHS = 60  # a run so close to its end might end before the fault
Key = tuple[str, int]


@dataclass
class Faults:
    """Draws and commits faults; each hits a run that has saved something since its last start."""

    site: Site
    rng: random.Random = field(default_factory=lambda: random.Random(0))
    seeds: int = 2
    hits: list[tuple[str, Key, int]] = field(default_factory=list)  # kind, run, the number of attempts it then had

    def commit(self, kind: str) -> None:
        """One fault, then what its victim needs to go on."""
        key, job, node = self.site.wait_for(self.victim, "a run in mid-training")
        client = self.site.cluster.client
        attempts = len(self.site.attempts(*key))
        if kind == "kill step":
            client("scancel", "-s", "KILL", f"{job}.0")
        elif kind == "kill batch script":
            client("scancel", "-b", "-s", "KILL", job)
        elif kind == "warning":
            client("scancel", "-s", "USR2", f"{job}.0")
        elif kind in ("lose node", "power off"):
            self.lose(node, power_off=kind == "power off")
        else:
            client(*{"cancel": ["scancel", job], "requeue": ["scontrol", "requeue", job]}[kind])
        self.hits.append((kind, key, attempts))
        if kind in ("cancel", "kill step", "kill batch script"):
            self.site.wait_for(lambda: job not in self.site.queue(), f"{job} to end")

    def victim(self) -> tuple[Key, str, str] | None:
        """A running run that its last attempt has saved; what has no job is sent."""
        shown = self.site.cluster.client("squeue", "-h", "-r", "-t", "running", "-o", "%i|%N").stdout.split()
        nodes = dict(line.split("|") for line in shown)
        found = []
        for variant in ("baseline", "skip"):
            for seed in range(self.seeds):
                last = (self.site.attempts(variant, seed) or [{"end": 0, "job": None}])[-1]
                if last["end"] is not None or last["job"] not in nodes:
                    continue
                epochs_left = LEARNING["epochs"] - self.epochs(variant, seed)
                if self.saved(variant, seed) > last["start"] and epochs_left >= LAST_EPOCHS:
                    found.append(((variant, seed), last["job"], nodes[last["job"]]))
        if len(found) < 2 and self.send():
            return None  # sending took seconds, in which a run may have gone on to its end
        return self.rng.choice(found) if found else None

    def epochs(self, variant: str, seed: int) -> int:
        """How many epochs of a run are done."""
        metrics = self.site.run_folder(variant, seed) / "metrics.jsonl"
        finished = (variant, seed) in self.site.finished()
        return len(metrics.read_text().splitlines()) if metrics.exists() and not finished else 0

    def saved(self, variant: str, seed: int) -> float:
        """When a run's checkpoint was written, in seconds since the epoch; 0 while there is none."""
        with contextlib.suppress(FileNotFoundError):
            return RunFolder(self.site.run_folder(variant, seed)).checkpoint.stat().st_mtime
        return 0.0

    def send(self) -> bool:
        """Submit what has no job, and a further seed where little is unfinished. Return whether anything was sent."""
        unfinished = 2 * self.seeds - len(self.site.finished())
        if unfinished < 3:
            self.seeds, unfinished = self.seeds + 1, unfinished + 2
        if len(self.site.queue()) >= unfinished + 1:  # and the report
            return False
        self.site.submit("--seeds", self.seeds)
        return True

    def lose(self, node: str, *, power_off: bool) -> None:
        """The node's daemon dies and is given up; its processes die too, or live on until it comes back."""
        cluster = self.site.cluster
        cluster.lose_node(node, power_off=power_off)
        self.site.wait_for(lambda: cluster.node_states().get(node, "").startswith("down"), f"{node} to be given up")
        cluster.return_node(node)

    def finish(self) -> None:
        """Until every run of the study is finished."""

        def done() -> bool:
            if not self.site.queue():
                self.site.submit("--seeds", self.seeds)
            return len(self.site.finished()) == 2 * self.seeds

        self.site.wait_for(done, "all runs to finish")
        self.site.wait_until_idle()

    def take_missed(self) -> list[str]:
        """The kinds of the faults that came after their run's end, which no longer count as hits.

        A lost node counts even so: the process that lived on may come to its end before the node is given up.
        """
        missed = [hit for hit in self.hits if hit[0] != "lose node" and self.hit_attempt(*hit)["cause"] == "finished"]
        self.hits = [hit for hit in self.hits if hit not in missed]
        return [kind for kind, _, _ in missed]

    def hit_attempt(self, kind: str, key: Key, attempts: int) -> dict[str, Any]:
        """The record of the attempt that was under way."""
        return self.site.attempts(*key)[attempts - 1]


def place(attempt: dict[str, Any]) -> tuple[int, int]:
    """Where an attempt began; a step of 0 is not written down."""
    return attempt["first_epoch"], attempt.get("first_step", 0)


def survive(site: Site, count: int) -> None:
    """`count` faults over one study; all its results against undisturbed ones."""
    site.write_study(**LEARNING)
    faults = Faults(site)
    site.submit("--seeds", faults.seeds)
    kinds = [kind for kind, share in KINDS.items() for _ in range(share * count // 20)]
    faults.rng.shuffle(kinds)
    while kinds:
        for kind in kinds:
            faults.commit(kind)
        faults.finish()
        kinds = faults.take_missed()
    assert len(faults.hits) == count
    for kind, key, attempts in faults.hits:
        before, *after = site.attempts(*key)[attempts - 1 :]
        if before["cause"] != "finished":
            assert place(after[0]) > place(before), (kind, key)
    site.assert_undisturbed(site.undisturbed(faults.seeds))
    assert json.loads((site.results / "tiny/report/report.json").read_text())["runs"]
    starts = sum(len(site.attempts(*key)) for key in site.finished())
    print(f"{count} faults over {len(site.finished())} runs in {starts} attempts: all bits as undisturbed")


def test_twenty_faults_change_no_bit(site: Site) -> None:
    survive(site, 20)


@pytest.mark.slow
def test_a_hundred_faults_change_no_bit(site: Site) -> None:
    survive(site, 100)
