"""Is bf16 as accurate as fp32? Two one-sided tests on seed-paired differences of test top-1, pooled over variants.

    python -m benchmarks.equivalence results/skip results/why …

The folders hold runs of any studies; those are paired whose configurations, seeds included, differ in nothing but fp32
and bf16. Equivalent: both tests of a difference beyond the margin, set beforehand, reject at 5 %, that is, the 90 %
interval lies inside ±1.0 point.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
from scipy import stats

from alexnet_study.files import canonical_json

MARGIN = 1.0  # points of top-1


def pairs(folders: list[Path]) -> dict[str, list[float]]:
    """Test top-1 in points, bf16 less fp32, of every pair of finished runs, by the fp32 run's variant."""
    top1: dict[str, dict[bytes, float]] = {"fp32": {}, "bf16": {}}
    variants: dict[bytes, str] = {}
    for path in sorted(path for folder in folders for path in folder.glob("*/seed-*/summary.json")):
        config = json.loads(path.with_name("config.json").read_text())
        precision = config["recipe"].pop("precision")
        variant, _ = config.pop("variant"), config.pop("hash")
        alike = canonical_json(config)
        figures = json.loads(path.read_text())["evaluations"]["intact"]
        top1.setdefault(precision, {})[alike] = 100 * figures["top1"]
        if precision == "fp32":
            variants[alike] = variant
    differences: dict[str, list[float]] = {}
    for alike, variant in variants.items():
        if alike in top1["bf16"]:
            differences.setdefault(variant, []).append(top1["bf16"][alike] - top1["fp32"][alike])
    return differences


def power(sd: float, n: int) -> float:
    """Chance of the verdict "equivalent" where the true difference is 0 and `sd` the true one, by the normal law.

    Both tests reject when |mean| < margin − t·s/√n (Schuirmann, J. Pharmacokinet. Biopharm. 15, 1987).
    """
    se = sd / math.sqrt(n)
    room = MARGIN / se - stats.t.ppf(0.95, n - 1)
    return max(0.0, 2 * float(stats.norm.cdf(room)) - 1)


def verdict(differences: np.ndarray) -> str:
    """One line: mean difference, interval, the two p, and what follows."""
    n, mean, sd = len(differences), float(differences.mean()), float(differences.std(ddof=1))
    se = sd / math.sqrt(n)
    low, high = stats.t.interval(0.90, n - 1, mean, se)
    p = max(stats.t.sf((mean + MARGIN) / se, n - 1), stats.t.cdf((mean - MARGIN) / se, n - 1))
    said = "equivalent" if p < 0.05 else f"inconclusive at n = {n}"
    interval = f"90 % interval {low:+.2f} to {high:+.2f}"
    figures = f"sd {sd:.2f}, n = {n} pairs, margin {MARGIN} points, p = {p:.2g}, power {power(sd, n):.2f}"
    return f"bf16 − fp32: {mean:+.2f} points ({interval}; {figures}): {said}"


def main() -> None:
    found = pairs([Path(folder) for folder in sys.argv[1:]])
    for variant, own in found.items():
        print(f"{variant}: {', '.join(f'{difference:+.2f}' for difference in own)}")
    pooled = np.array([difference for own in found.values() for difference in own])
    if len(pooled) < 2:
        print(f"error: {len(pooled)} pairs of runs that differ in precision alone; expected 2 or more", file=sys.stderr)
        sys.exit(2)
    print(verdict(pooled))


if __name__ == "__main__":
    main()
