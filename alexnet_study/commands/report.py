"""From the finished runs of a study to tables, figures and a page.

alexnet-study report --study skip
"""

from collections.abc import Sequence
from pathlib import Path

from alexnet_study.commands.options import study_parser


def main(program: str, words: Sequence[str]) -> int:
    """Collect, then write the report."""
    parser = study_parser(program, __doc__)
    parser.add_argument("--target", type=Path, metavar="DIR", help="root of the report's folder (that of the results)")
    arguments = parser.parse_args(words)
    from alexnet_study.commands.checked import checked_study
    from alexnet_study.commands.underway import underway
    from alexnet_study.report.collection import collect
    from alexnet_study.report.writing import write_report

    study = checked_study(arguments.study)
    collection = collect(study, arguments.results)
    page = write_report(collection, arguments.target or arguments.results, underway(study, arguments.results))
    for entry in collection.left_out:
        print(f"left out: {entry.run}: {entry.reason}")
    print(f"{len(collection.runs)} runs reported in {page}")
    return 0
