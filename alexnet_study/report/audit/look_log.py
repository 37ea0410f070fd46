"""Each look at a study's claims, once: a line of `looks.jsonl` in the study's folder.

A look spends a share of the error, so a reader may ask when the runs were judged, from which, and with which verdict.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alexnet_study.errors import RequestError
from alexnet_study.files import write_atomically
from alexnet_study.report.audit.verdicts import Verdict, claim_look, judge_look, seed_order
from alexnet_study.report.collection import Collection

FILE = "looks.jsonl"
KEYS = ("n", "share", "seeds", "runs", "verdicts")  # of a line


def record_looks(collection: Collection, folder: Path) -> None:
    """Append every planned look that was reached and isn't recorded to `folder`/looks.jsonl.

    A line says which seeds were used, the share of the error, the runs' hashes, and the verdict of each claim judged.
    A claim whose variants reach a look later than others has a line of its own, then. The same runs append nothing.
    Where the runs lie elsewhere, what is recorded beside them comes first.
    """
    path = folder / FILE
    known = read_looks(path if path.exists() else collection.home / FILE)
    seen = {(line["n"], claim, _runs(line)) for line in known for claim in line["verdicts"]}
    fresh = []
    for line in _looks(collection):
        new = {claim: own for claim, own in line["verdicts"].items() if (line["n"], claim, _runs(line)) not in seen}
        if new:
            fresh.append({**line, "verdicts": new})
    if fresh:
        lines = [json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in (*known, *fresh)]
        write_atomically(path, "".join(lines).encode())


def read_looks(path: Path) -> list[dict[str, Any]]:
    """Return the looks recorded so far; RequestError names a line that isn't one."""
    if not path.exists():
        return []
    lines = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        if not isinstance(line, dict) or not set(KEYS) <= line.keys():
            raise RequestError(f"{path}, line {number}: not a look; expected a JSON object with {', '.join(KEYS)}")
        lines.append(line)
    return lines


def _looks(collection: Collection) -> list[dict[str, Any]]:
    looks = [claim_look(collection, claim) for claim in collection.study.claims]
    reached = max((look.n_used for look in looks), default=0)
    return [_line(collection, n, judge_look(collection, n, looks)) for n in collection.study.looks if n <= reached]


def _line(collection: Collection, n: int, judged: Sequence[Verdict | None]) -> dict[str, Any]:
    verdicts = [verdict for verdict in judged if verdict]
    variants = {variant for verdict in verdicts for variant in verdict.claim.own_variants}
    seeds = seed_order(collection)[:n]
    used = [run for run in collection.runs if run.variant in variants and run.seed in seeds]
    return {
        "n": n,
        "share": collection.study.looks[n],
        "seeds": seeds,
        "runs": {f"{run.variant}/seed-{run.seed}": run.identity.hash for run in used},
        "verdicts": {verdict.claim.id: _said(verdict) for verdict in verdicts},
    }


def _said(verdict: Verdict) -> dict[str, Any]:
    estimate = verdict.estimate.value if verdict.estimate else None
    return {"n": verdict.n, "estimate": estimate, "adjusted_p": verdict.adjusted_p, "verdict": verdict.verdict}


def _runs(line: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(line["runs"].values()))
