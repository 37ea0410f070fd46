"""Every number of a reference's claims, as report.json and the page have it, and of its looks, computed again."""

import csv
import json
import math
import re
from collections.abc import Mapping
from typing import Any

import pytest
from scipy import stats

from tests.report import independent
from tests.report.recomputed import ROOT, Claim, claims_of, looks_of, reference_claims, runs_of, seed_order, study_of

REPORTS = sorted(ROOT.glob("*/report/report.json"))
REFERENCES = [path.parent.parent.name for path in REPORTS if json.loads(path.read_text())["claims"]]
TEXTS = {"name", "statement", "definition"}  # of an entry of report.json, from the study file
NUMBER = re.compile(r"[+−]?\d+(?:,\d{3})*(?:\.\d+)?")


@pytest.fixture(params=REFERENCES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def both(name: str) -> list[tuple[Claim, dict[str, Any]]]:
    """Return the claims of a reference, computed again, and as its report has them."""
    reported = json.loads((ROOT / name / "report/report.json").read_text())["claims"]
    return list(zip(reference_claims(name), reported, strict=True))


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Return the single values of an entry, by path; of an empty one, or of none, itself."""
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    return {k: v for key, part in parts for k, v in flat(part, f"{path}.{key}").items()} or {path: value}


def assert_same(found: Any, expected: Any) -> None:
    """Compare all single values; a p, however small, by its ratio alone."""
    got, wanted = flat(found), flat(expected)
    assert got.keys() == wanted.keys()
    for path, value in wanted.items():
        least = 0.0 if re.search(r"[._]p$", path) else 1e-12
        number = isinstance(value, float | int) and not isinstance(value, bool)
        assert got[path] == (pytest.approx(value, rel=1e-8, abs=least) if number else value), path


def test_every_number_of_a_claim_is_the_reports(name: str) -> None:
    for claim, entry in both(name):
        assert_same({key: part for key, part in entry.items() if key not in {*TEXTS, "resolution"}}, claim.as_json())


def test_what_n_resolves_is_the_reports(name: str) -> None:
    for claim, entry in both(name):
        found, n = entry["resolution"], len(claim.values)
        if claim.level is None or claim.flat or claim.powerless:
            assert found is None
            continue
        level = claim.level / (claim.table.shape[1] if claim.table is not None else 1)
        spread = claim.values.std(ddof=1)
        assert set(found) == {"level", "power", "difference", "upper", "seeds", "interval"}
        assert (found["level"], found["power"]) == (pytest.approx(level), 0.8)
        assert found["interval"] == pytest.approx(independent.t_interval(claim.values, 1 - level), rel=1e-8)
        assert independent.power(found["difference"], spread, n, level) == pytest.approx(0.8, abs=2e-4)
        factor = math.sqrt((n - 1) / stats.chi2.ppf(0.05, n - 1))
        assert found["upper"] == pytest.approx(found["difference"] * factor)
        effect = abs(claim.values.mean() - claim.null)
        assert independent.power(effect, spread, found["seeds"], level) > 0.8 - 1e-4
        fewer = found["seeds"] - 1
        assert fewer == 1 or independent.power(effect, spread, fewer, level) < 0.8 + 1e-4


def test_each_look_says_what_its_runs_say(name: str) -> None:
    study, runs, recorded = study_of(name), runs_of(name), set()
    log = ROOT / name / "looks.jsonl"
    for text in log.read_text().splitlines() if log.exists() else ():  # none, where no look is reached yet
        line = json.loads(text)
        n, seeds = line["n"], seed_order(study)[: line["n"]]
        there = {
            variant: {s: run for s, run in own.items() if f"{variant}/seed-{s}" in line["runs"]}
            for variant, own in runs.items()
        }
        judged = [claim for claim in claims_of(study, there) if claim.look == n]
        variants = set().union(*(claim.variants for claim in judged))
        assert line["runs"] == {
            f"{variant}/seed-{seed}": runs[variant][seed].hash for variant in variants for seed in seeds
        }
        assert (line["seeds"], line["share"]) == (seeds, looks_of(study)[n])
        said = {
            claim.declared["id"]: {
                "n": n,
                "estimate": claim.values.mean(),
                "adjusted_p": claim.adjusted_p,
                "verdict": claim.verdict,
            }
            for claim in judged
        }
        assert_same(line["verdicts"], said)
        recorded |= {(n, own) for own in said}
    reached = {
        (n, claim.declared["id"]) for claim in reference_claims(name) for n in looks_of(study) if n <= claim.look
    }
    assert recorded == reached


def assert_shows(text: str, *values: float | None) -> None:
    """Compare all numbers in a text with values, each to the digits that are shown."""
    shown = [number.replace(",", "").replace("−", "-") for number in NUMBER.findall(text)]
    known = [value for value in values if value is not None]
    assert len(shown) == len(known), (text, known)
    for number, value in zip(shown, known, strict=True):
        digits = len(number.partition(".")[2])
        assert abs(float(number) - value) <= 0.5 * 10**-digits + 1e-9, (text, known)


def assert_shows_p(text: str, p: float | None) -> None:
    if p is not None and p < 1e-4:
        assert text == "< 0.0001"
    else:
        assert_shows(text, p)


def page_rows(name: str) -> list[dict[str, str]]:
    """Return the claims table of the page, by its columns' names."""
    lines = (ROOT / name / "report/report.md").read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| claim | ours |"))
    rows = [line.strip("| ").split(" | ") for line in lines[start : start + 2 + len(reference_claims(name))]]
    return [dict(zip((head.partition(",")[0] for head in rows[0]), row, strict=True)) for row in rows[2:]]


def test_the_page_shows_these_numbers(name: str) -> None:
    for (claim, entry), row in zip(both(name), page_rows(name), strict=True):
        scale = 100 if claim.shown_as_share else 1
        own = claim.as_json()
        gain = own["plain_gain"] or {"estimate": None, "interval": None}
        figures = [own["estimate"], *(own["interval"] or ()), gain["estimate"], *(gain["interval"] or ())]
        assert_shows(row["ours"], *(None if x is None else scale * x for x in figures))
        assert_shows(row["n"], own["n"])
        assert_shows_p(row["p"], own["adjusted_p"])
        assert_shows(row.get("published", ""), None if own["published"] is None else scale * own["published"])
        sides = {True: "inside", False: "outside"}
        inside = own["inside_prediction_interval"]
        beside = [
            f"{pre}{sides[inside[key]]}"
            for key, pre in (("intact", ""), ("lesioned", "lesioned: "))
            if inside[key] is not None
        ]
        assert row.get("published", "").partition(": ")[2] == "; ".join(beside)
        said, colon, more = row["verdict"].partition(": ")
        said, _, margin = said.partition("; margin ")
        assert said.partition(", whatever")[0] == claim.verdict.removesuffix(", on a re-encoded copy")
        found = entry["resolution"]
        if not claim.look or "not resolved" not in said:
            assert not colon
        elif claim.powerless:
            assert_shows(more, claim.least_p, claim.level)
        else:
            differences = [scale * x for x in (*found["interval"], found["difference"], found["upper"])]
            assert_shows(more, 100 * (1 - found["level"]), *differences, found["seeds"])
        has_margin = "below" in claim.declared and own["interval"] is not None
        assert bool(margin) == (has_margin and "not resolved" not in said)
        if margin:
            assert_shows(margin.partition(", ")[0], scale * claim.null)
            low, high = own["interval"]
            assert margin.endswith("above 0" if low > 0 else "below 0" if high < 0 else "its sign isn't resolved")


def test_the_table_of_tests_shows_these_numbers(name: str) -> None:
    with (ROOT / name / "report/tables/tests.csv").open() as file:
        rows = list(csv.DictReader(file))
    for claim, row in zip(reference_claims(name), rows, strict=True):
        scale = 100 if claim.shown_as_share else 1
        own, flips = claim.as_json(), claim.sensitivity
        assert (row["test"], row["n"]) == (claim.test, str(own["n"]))
        for column, p in {"p": own["p"], "adjusted p": own["adjusted_p"], "sign-flip p": flips["sign_flip_p"]}.items():
            assert_shows_p(row[column].partition(" (")[0], p)
        assert_shows(row["judged at"], claim.level)
        centre = own["hodges_lehmann"] or {"value": None, "interval": None, "attained": None}
        ends = [None if x is None else scale * x for x in (centre["value"], *(centre["interval"] or ()))]
        attained = centre["attained"] or 1.0
        assert_shows(row["Hodges–Lehmann"], *ends, 100 * attained if attained < 0.95 else None)
        unpaired = [None if x is None else scale * x for x in (own["estimate"], *(flips["unpaired_interval"] or ()))]
        assert_shows(row["unpaired estimate"], *unpaired, flips["correlation_of_advantages"])


def test_both_gaps_of_the_published_question_are_above_0_and_under_the_margin() -> None:
    for name in ("skip", "skip_jpeg"):
        gaps = [claim for claim in reference_claims(name) if claim.declared.get("number") == "6"]
        assert len(gaps) == 2
        for claim in gaps:
            low, high = independent.t_interval(claim.values) or (math.nan, math.nan)
            assert 0 < low < high < claim.null == 0.05
