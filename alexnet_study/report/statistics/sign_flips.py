"""The least p that a sign-flip test can give, and the test of a claim whose runs have no spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from alexnet_study.report.statistics.estimates import Array, Estimate
from alexnet_study.report.statistics.resampling import EXACT, SAMPLED, TIES, sign_flip_p


class Method(StrEnum):
    """The test that gave a p."""

    T = "t"
    SIGN_FLIPS = "sign flips"


@dataclass(frozen=True, kw_only=True)
class Test:
    """A two-sided p. least: the least that these runs allow, of sign flips only."""

    __test__ = False  # not one of pytest's

    method: Method
    p: float
    least: float | None = None

    @property
    def met(self) -> bool:
        """Return whether p is the least that the runs allow: then it says nothing of how far the truth is."""
        return self.least is not None and self.p <= self.least * (1 + TIES)


def least_p(differences: Sequence[float] | Array) -> float:
    """Return the least p of the sign-flip test of differences (n,), or of the joint one of (n, k).

    2/2ⁿ up to n = 12, which all signs alike give, and all reversed; a seed whose differences are all 0 is the same
    flipped, and drops out of n. Of the 4,096 flips drawn beyond, the identity alone is certain to count: 1/4096.
    """
    samples = np.asarray(differences, dtype=float).reshape(len(differences), -1)
    if len(samples) > EXACT:
        return 1 / (SAMPLED + 1)
    return min(1.0, 2.0 / 2 ** int((samples != 0).any(1).sum()))


def sign_flip_test(differences: Sequence[float] | Array) -> Test:
    """Return the sign-flip test that paired differences (n,) are symmetric about 0, with the least p it can give."""
    return Test(method=Method.SIGN_FLIPS, p=sign_flip_p(differences), least=least_p(differences))


def claim_test(estimate: Estimate, differences: Sequence[float] | Array, null: float = 0.0) -> Test | None:
    """Return the t test of an estimate, or, where its n ≥ 2 runs have no spread, the sign-flip test of `differences`.

    differences: (n,), the values of the seeds that the estimate is the mean of. Equal values have no t; all on one side
    of the null, they still speak against it, as far as sign flips can: with 2/2ⁿ. None for n < 2.
    """
    p = estimate.p_value(null)
    if p is not None:
        return Test(method=Method.T, p=p)
    if len(differences) < 2:
        return None
    return sign_flip_test(np.asarray(differences, dtype=float) - null)
