"""Is bf16 as accurate as fp32? Two one-sided tests on seed-paired differences of test top-1, pooled over variants.

    python -m benchmarks.equivalence results results-bf16

The first folder holds a study's runs in fp32, the second the same runs in bf16. Equivalent: both tests of a difference
beyond the margin, set beforehand, reject at 5 %, that is, the 90 % interval lies inside ±1.0 point.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
from scipy import stats

MARGIN = 1.0  # points of top-1


def top1(results: Path) -> dict[tuple[str, str], float]:
    """Test top-1 in % of every finished run of the study `skip`, by variant and seed folder."""
    paths = (results / "skip").glob("*/seed-*/summary.json")
    read = {path: json.loads(path.read_text())["evaluations"]["intact"]["top1"] for path in paths}
    return {(path.parent.parent.name, path.parent.name): 100 * value for path, value in read.items()}


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
    fp32, bf16 = (top1(Path(folder)) for folder in sys.argv[1:3])
    pairs = sorted(fp32.keys() & bf16.keys())
    for variant in sorted({variant for variant, _ in pairs}):
        own = [bf16[pair] - fp32[pair] for pair in pairs if pair[0] == variant]
        print(f"{variant}: {', '.join(f'{difference:+.2f}' for difference in own)}")
    print(verdict(np.array([bf16[pair] - fp32[pair] for pair in pairs])))


if __name__ == "__main__":
    main()
