"""What is sent, and what becomes of a submission that SLURM cuts short."""

import dataclasses

import pytest

from alexnet_study.cluster.node.staging import PreparedData
from alexnet_study.cluster.plans.job_plan import read_plans
from alexnet_study.cluster.plans.profile import Profile, VariantMeans
from alexnet_study.cluster.printing import submission_lines
from alexnet_study.cluster.submission import Outcome, Request, dry_run, submit
from alexnet_study.errors import RequestError
from tests.cluster.pretended import PretendedSlurm


def with_profile(request: Request, **values: object) -> Request:
    return dataclasses.replace(request, profile=dataclasses.replace(request.profile, **values))  # type: ignore[arg-type]


def names(outcome: Outcome) -> list[str]:
    return [array.name for array, _ in outcome.sent]


def test_a_submission_cut_short_sends_the_report_of_what_it_sent_and_goes_on(
    slurm: PretendedSlurm, submission_request: Request
) -> None:
    slurm.refuse("tiny-skip")
    cut = submit(submission_request)
    assert names(cut) == ["tiny-baseline", "tiny-report"]
    assert cut.refused is not None
    assert "QOSMaxSubmitJobPerUserLimit" in cut.refused
    assert "tiny-skip" in cut.refused
    (plan,) = read_plans(submission_request.results, "tiny")
    assert plan.owner(2) is None, "the report's job would end at once"
    assert "4 runs, 4 jobs of" in submission_lines(submission_request, cut)[-1]
    slurm.refuse()
    rest = submit(submission_request)
    assert names(rest) == ["tiny-skip", "tiny-report"]
    assert rest.refused is None
    assert sorted(slurm.jobs.values()) == ["tiny-baseline"] * 4 + ["tiny-report"] + ["tiny-skip"] * 4


def test_a_refused_report_keeps_the_runs_and_is_sent_at_the_next_call(
    slurm: PretendedSlurm, submission_request: Request
) -> None:
    slurm.refuse("tiny-report")
    cut = submit(submission_request)
    assert names(cut) == ["tiny-baseline", "tiny-skip"]
    assert cut.refused is not None
    assert "tiny-report" in cut.refused
    slurm.refuse()
    assert names(submit(submission_request)) == ["tiny-report"]


def test_a_submission_of_which_nothing_was_sent_leaves_nothing(
    slurm: PretendedSlurm, submission_request: Request
) -> None:
    slurm.refuse("tiny-baseline")
    with pytest.raises(RequestError, match="QOSMaxSubmitJobPerUserLimit"):
        submit(submission_request)
    assert read_plans(submission_request.results, "tiny") == []


def test_no_more_jobs_than_the_profile_allows_are_in_the_queue(
    slurm: PretendedSlurm, submission_request: Request
) -> None:
    request = with_profile(submission_request, max_jobs=4)
    first = submit(request)
    assert sorted(slurm.jobs.values()) == ["tiny-baseline"] * 3 + ["tiny-report"]
    lines = submission_lines(request, first)
    assert "left for the next call, max_jobs is 4: baseline seed 3" in lines
    assert "left for the next call, max_jobs is 4: skip seeds 0, 1, 2, 3" in lines
    assert names(submit(request)) == []
    slurm.end(*[job for job, name in slurm.jobs.items() if name == "tiny-baseline"])
    submit(request)
    assert len(slurm.jobs) <= 4
    assert read_plans(request.results, "tiny")[-1].runs


def test_the_dry_run_keeps_to_the_number_of_jobs_too(slurm: PretendedSlurm, submission_request: Request) -> None:
    assert len(dry_run(with_profile(submission_request, max_jobs=3)).plan.runs) == 2


def test_a_profile_needs_room_for_a_run_and_the_report() -> None:
    with pytest.raises(RequestError, match="max_jobs: 1 is not valid; expected 0 or at least 2"):
        Profile(max_jobs=1)


def test_the_estimate_says_for_how_many_lives_it_is(slurm: PretendedSlurm, submission_request: Request) -> None:
    lines = submission_lines(submission_request, dry_run(submission_request))
    asked = "8 runs, 8 jobs of 60 min with 1 GPU each: 8.0 GPU-hours at most"
    assert f"{asked} in one life of each, and 101 lives are allowed" in lines
    once = with_profile(submission_request, max_requeues=0)
    assert asked in submission_lines(once, dry_run(once))


def test_a_variant_has_its_own_time_limit_memory_and_partition(submission_request: Request) -> None:
    own = {"skip": VariantMeans(minutes=120, memory_gb=16, partition="big")}
    asked = with_profile(submission_request, memory_gb=4.0, variants=own)
    outcome = dry_run(asked)
    options = [
        {name for name in script.splitlines() if name.startswith(("#SBATCH --time", "#SBATCH --mem", "#SBATCH --part"))}
        for script in outcome.scripts
    ]
    assert options == [
        {"#SBATCH --time=60", "#SBATCH --mem=4096M"},
        {"#SBATCH --time=120", "#SBATCH --mem=16384M", "#SBATCH --partition=big"},
        {"#SBATCH --time=30"},
    ]
    (told,) = [line for line in submission_lines(asked, outcome) if "GPU-hours" in line]
    assert told.startswith("8 runs, 4 jobs of 60 min and 4 jobs of 120 min with 1 GPU each: 12.0 GPU-hours at most")


def test_a_plan_keeps_the_means_of_its_variants(slurm: PretendedSlurm, submission_request: Request) -> None:
    submit(with_profile(submission_request, variants={"skip": VariantMeans(minutes=120)}))
    (plan,) = read_plans(submission_request.results, "tiny")
    assert [plan.profile_of(array).minutes for array in range(3)] == [60, 120, 60]


def test_means_of_a_variant_that_there_is_not_are_refused(submission_request: Request) -> None:
    asked = with_profile(submission_request, variants={"skpi": VariantMeans(minutes=120)})
    with pytest.raises(RequestError, match=r"^profile: variants.skpi: no such variant; expected .* baseline, skip$"):
        dry_run(asked)


def test_a_wrong_value_of_a_variants_means_is_named() -> None:
    with pytest.raises(RequestError, match=r"^variants.long.minutes: 0 is not valid"):
        Profile(variants={"long": VariantMeans(minutes=0)})
    with pytest.raises(RequestError, match=r"^variants.long.warning_seconds: 90 is not valid; .* less than the 1 min"):
        Profile(variants={"long": VariantMeans(minutes=1)})


def test_the_data_is_looked_at_before_anything_is_sent(slurm: PretendedSlurm, submission_request: Request) -> None:
    seen: list[PreparedData] = []

    def examine(data: PreparedData) -> list[str]:
        seen.append(data)
        if not slurm.jobs:
            return ["claim 2 can't be judged"]
        raise RequestError("no such class")

    assert submit(dataclasses.replace(submission_request, examine=examine)).notes == ["claim 2 can't be judged"]
    assert len(seen[0].classes) > 1
    assert seen[0].test_images > 3
    sent = dict(slurm.jobs)
    with pytest.raises(RequestError, match="no such class"):
        submit(dataclasses.replace(submission_request, examine=examine))
    assert slurm.jobs == sent
