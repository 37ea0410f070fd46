"""All comparisons, in pairs within one run: a table of medians and ratios, and results/bench/<device>.json.

make bench DATA=data/cifar10-jpeg
"""

import argparse
import dataclasses
import json
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from alexnet_study.files import write_json
from alexnet_study.provenance import code_state
from alexnet_study.runs.attempts import versions
from alexnet_study.study.study import Study, load_study
from benchmarks.synthetic_runs import write_runs

EPOCHS, IMAGES = 5, 50_000
STARTER = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
taken = time.perf_counter() - started
print(json.dumps([taken, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20]))
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison. target: "≥ 2.2" or "≤ 0.30"; None where it is only reported."""

    what: str
    value: float
    unit: str
    n: int
    target: str | None = None

    @property
    def met(self) -> str:
        """yes, no, or – without a target."""
        if self.target is None:
            return "–"
        sign, bound = self.target.split()
        return "yes" if (self.value >= float(bound) if sign == "≥" else self.value <= float(bound)) else "no"


def output(*command: str) -> Any:
    """The JSON that a script prints last."""
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def cost(*command: str) -> tuple[float, float]:
    """Seconds of a whole process from start to end, and its peak memory in GiB, or that of what it started.

    Started by a small process: the peak of one that is forked counts what its parent had.
    """
    taken, peak = output("-c", STARTER, sys.executable, *command)
    return float(taken), float(peak)


def seconds(*command: str) -> float:
    """Of a whole process, from start to end."""
    return cost(*command)[0]


def in_turn(rounds: int, **measures: Callable[[], Any]) -> dict[str, list[Any]]:
    """Each measure's results; A B A B …"""
    found: dict[str, list[Any]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            print(f"  {name}", file=sys.stderr, flush=True)
            found[name].append(measure())
    return found


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the ratios pair by pair."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def training(data: str, rounds: int) -> tuple[list[Row], float]:
    """Training against the DataLoader script and the bare step; also the seconds of five epochs in fp32."""
    steps = ("benchmarks/steps.py", "--data", data, "--precision")
    found = in_turn(
        rounds,
        dataloader=lambda: output("benchmarks/dataloader.py", "--data", data)["images_per_second"],
        fp32=lambda: output(*steps, "fp32"),
        bf16=lambda: output(*steps, "bf16"),
    )
    theirs, n = found["dataloader"], rounds
    speed = {p: [statistics.median(turn["ours"]) for turn in found[p]] for p in ("fp32", "bf16")}
    rows = [Row(what="dataloader", value=statistics.median(theirs), unit="images/s", n=n)]
    rows += [Row(what=f"ours, {p}", value=statistics.median(s), unit="images/s", n=n) for p, s in speed.items()]
    for precision, target in (("bf16", "≥ 4.5"), ("fp32", "≥ 2.2")):
        against = ratio(speed[precision], theirs)
        rows.append(Row(what=f"ours in {precision} / dataloader", value=against, unit="", n=n, target=target))
    for precision in ("fp32", "bf16"):
        pairs = [ratio(turn["ours"], turn["bare"]) for turn in found[precision]]
        what = f"ours / bare step, {precision}"
        rows.append(Row(what=what, value=statistics.median(pairs), unit="", n=n, target="≥ 0.97"))
    return rows, EPOCHS * IMAGES / statistics.median(speed["fp32"])


def after_training(data: str, rounds: int, trained: float) -> list[Row]:
    """Analysis and evaluation against five epochs of training in fp32, which took `trained` seconds."""
    found = in_turn(rounds, analysis=lambda: output("benchmarks/analysis.py", "--data", data))["analysis"]
    analysis = statistics.median(turn["analysis"] for turn in found)
    evaluation = (EPOCHS - 1) * statistics.median(turn["evaluation"] for turn in found)
    return [
        Row(what="analysis of skip, intact and lesioned", value=analysis, unit="s", n=rounds),
        Row(what="analysis / 5 epochs in fp32", value=analysis / trained, unit="", n=rounds, target="≤ 0.30"),
        Row(what="evaluation / 5 epochs in fp32", value=evaluation / trained, unit="", n=rounds, target="≤ 0.10"),
    ]


def starting(data: str, rounds: int) -> list[Row]:
    """From the start of a process to its first step, against `import torch`; the cache, cold and warm."""
    load = "import sys, time, torch; from pathlib import Path; from alexnet_study.data.cache import load_dataset; "
    load += (
        "t = time.perf_counter(); load_dataset(sys.argv[1], cache=Path(sys.argv[2])); print(time.perf_counter() - t)"
    )
    with tempfile.TemporaryDirectory() as folder:
        cold = output("-c", load, data, folder)
        found = in_turn(
            rounds,
            torch=lambda: seconds("-c", "import torch"),
            start=lambda: seconds("-m", "benchmarks.first_step", data, tempfile.mkdtemp(dir=folder)),
            warm=lambda: output("-c", load, data, folder),
        )
    more = statistics.median(a - b for a, b in zip(found["start"], found["torch"], strict=True))
    return [
        Row(what="process start to first step, beyond import torch", value=more, unit="s", n=rounds, target="≤ 1.0"),
        Row(what="data set cache, cold", value=cold, unit="s", n=1),
        Row(what="data set cache, warm", value=statistics.median(found["warm"]), unit="s", n=rounds),
    ]


def reporting() -> list[Row]:
    """The report over 1,000 runs against 100, its peak memory; a plan of 1,000 runs."""
    with tempfile.TemporaryDirectory() as folder:
        costs = {}
        for count in (100, 1000):
            subprocess.run(
                [sys.executable, "-m", "benchmarks.synthetic_runs", str(count), f"{folder}/{count}"], check=True
            )
            costs[count] = cost("-m", "jobs.report", "--results", f"{folder}/{count}")
        words = ("--study", "jobs/studies/demo.yaml", "--seeds", "500", "--dry-run", "--allow-dirty")
        plan = seconds("-m", "jobs.submit", *words, "--results", f"{folder}/plan")
        large = scheduling(Path(folder))
    few, (many, peak) = costs[100][0], costs[1000]
    return [
        Row(what="report over 100 runs", value=few, unit="s", n=1),
        Row(what="report over 1,000 runs / 100 runs", value=many / few, unit="", n=1, target="≤ 11"),
        Row(what="peak memory of the report over 1,000 runs", value=peak, unit="GiB", n=1, target="≤ 2.0"),
        Row(what="dry plan of 1,000 runs", value=plan, unit="s", n=1),
        *large,
    ]


def scheduling(folder: Path) -> list[Row]:
    """The dry run of a submission of 10,000 runs and their status, without a SLURM: seconds and peak memory.

    Once before any was carried out, once when all are finished.
    """
    study = folder / "large.yaml"
    demo = Path("jobs/studies/demo.yaml").read_text(encoding="utf-8")
    study.write_text(re.sub(r"^seeds: \d+$", "seeds: 5000", demo, flags=re.MULTILINE), encoding="utf-8")
    words = ("--study", str(study), "--results", f"{folder}/large")
    rows = asking("10,000 runs", words)
    finish_all(load_study(study), folder / "large")
    return [*rows, *asking("10,000 finished runs", words)]


def asking(runs: str, words: Sequence[str]) -> list[Row]:
    """What the dry run of a submission and the status of a study cost; runs: how many it has, in words."""
    costs = {
        "dry plan": cost("-m", "jobs.submit", *words, "--dry-run", "--allow-dirty"),
        "status": cost("-m", "jobs.status", *words),
    }
    rows = []
    for what, (taken, peak) in costs.items():
        rows.append(Row(what=f"{what} of {runs}", value=taken, unit="s", n=1))
        rows.append(Row(what=f"peak memory of the {what} of {runs}", value=peak, unit="GiB", n=1))
    return rows


def finish_all(study: Study, results: Path) -> None:
    """Make every run of a study finished: one of each variant is written, and linked as those of the other seeds."""
    write_runs(dataclasses.replace(study, seeds=study.seeds[:1]), results)
    for variant in study.variants:
        home = results / study.name / variant
        first = home / f"seed-{study.seeds[0]}"
        for seed in study.seeds[1:]:
            (home / f"seed-{seed}").mkdir()
            for path in first.iterdir():
                if path.is_file():
                    (home / f"seed-{seed}" / path.name).hardlink_to(path)


def device() -> str:
    """The GPU's name, else the processor's."""
    import torch

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    models = (
        re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()) if Path("/proc/cpuinfo").exists() else []
    )
    return f"{models[0] if models else platform.processor()}, {len(models)} cores"


def table(rows: list[Row]) -> str:
    """As Markdown."""
    lines = ["| what | median | target | met | n |", "| --- | --- | --- | --- | --- |"]
    for r in rows:
        value = f"{r.value:.0f}" if r.value >= 1000 else f"{r.value:.3g}"
        lines.append(f"| {r.what} | {value} {r.unit} | {r.target or '–'} | {r.met} | {r.n} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--only", choices=("start", "many-runs"), help="the start of a run, or what many runs cost; writes nothing"
    )
    arguments = parser.parse_args()
    name = device()
    heading = f"{name}; {arguments.data}; n: paired rounds, medians\n"
    rows = reporting() if arguments.only == "many-runs" else starting(arguments.data, arguments.rounds)
    if arguments.only:
        print(heading, table(rows), sep="\n")
        return
    trained_rows, trained = training(arguments.data, arguments.rounds)
    rows = [*trained_rows, *after_training(arguments.data, arguments.rounds, trained), *rows, *reporting()]
    print(heading, table(rows), sep="\n")
    record = {"device": name, "data": arguments.data, **code_state().record(), "versions": versions()}
    path = arguments.results / "bench" / (re.sub(r"\W+", "-", name).strip("-").lower() + ".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {**record, "rows": [{**asdict(row), "met": row.met} for row in rows]})
    print(f"\n{path}")


if __name__ == "__main__":
    main()
