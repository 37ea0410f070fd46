"""A claim's entry of report.json."""

from typing import Any

from alexnet_study.report.audit.verdicts import Verdict, test_name
from alexnet_study.report.statistics import estimates
from alexnet_study.report.statistics.estimates import Estimate


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Return a claim's entry of report.json."""
    claim, estimate = verdict.claim, verdict.estimate
    return {
        "id": claim.id,
        "name": claim.label,
        "statement": claim.statement,
        "definition": claim.definition,
        "metric": claim.metric,
        "variants": dict(claim.variants),
        "claimed": f"below {claim.below}" if claim.below is not None else f"{claim.direction} than 0",
        "estimate": estimate.value if estimate else None,
        "interval": estimates.as_json(estimate.interval() if estimate else None),
        "n": verdict.n,
        **({"unreached": dict(verdict.unreached)} if verdict.unreached else {}),
        "test": test_name(verdict),
        "p": verdict.p,
        "least_p": verdict.test.least if verdict.test else None,
        "adjusted_p": verdict.adjusted_p,
        "look": _look(verdict),
        "resolution": _resolution(verdict),
        "hodges_lehmann": _hodges_lehmann(verdict),
        "plain_gain": _estimate(verdict.plain.estimate if verdict.plain else None),
        "sensitivity": _sensitivity(verdict),
        "replication": _estimate(verdict.replication),
        "published": verdict.published,
        "prediction_interval": {name: estimates.as_json(value) for name, value in verdict.predicted.items()},
        "inside_prediction_interval": {name: verdict.inside(name) for name in verdict.predicted},
        "verdict": verdict.verdict,
    }


def _look(verdict: Verdict) -> dict[str, Any]:
    look = verdict.look
    judged = {"level": verdict.level} if look.n_used else {"level": None}
    return {"state": str(look.state), "n_used": look.n_used, "share": look.share, "fresh": look.fresh, **judged}


def _resolution(verdict: Verdict) -> dict[str, Any] | None:
    found = verdict.resolution
    if found is None:
        return None
    return {
        "level": found.level,
        "power": found.power,
        "difference": found.difference,
        "upper": found.upper,
        "seeds": found.seeds,
        "interval": estimates.as_json(found.interval),
    }


def _hodges_lehmann(verdict: Verdict) -> dict[str, Any] | None:
    found = verdict.hodges_lehmann
    if found is None:
        return None
    return {"value": found.value, "interval": estimates.as_json(found.interval), "attained": found.attained}


def _sensitivity(verdict: Verdict) -> dict[str, Any]:
    contrast, flips = verdict.contrast, verdict.flips
    return {
        "unpaired_interval": estimates.as_json(contrast.unpaired.interval() if contrast else None),
        "correlation_of_advantages": contrast.correlation if contrast else None,
        "sign_flip_p": flips.p if flips else None,
        "least_sign_flip_p": flips.least if flips else None,
    }


def _estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {"estimate": estimate.value, "interval": estimates.as_json(estimate.interval()), "n": estimate.n}
