"""From the finished runs of a study to tables, figures and a page.

python -m jobs.report --study jobs/studies/skip.yaml
"""

from jobs.command import finish, study_parser


def main() -> int:
    """Collect, then write the report."""
    arguments = study_parser("jobs.report", (__doc__ or "").splitlines()[0]).parse_args()
    from alexnet_study.report.collect import collect
    from alexnet_study.report.page import write_report
    from alexnet_study.study.study import load_study

    collection = collect(load_study(arguments.study), arguments.results)
    page = write_report(collection, arguments.results)
    for entry in collection.left_out:
        print(f"left out: {entry.run}: {entry.reason}")
    print(f"{len(collection.runs)} runs reported in {page}")
    return 0


if __name__ == "__main__":
    finish(main)
