"""Another study whose runs lie beside this one's: the same claims judged from these, where a study file names it."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from alexnet_study.report.audit.look_log import FILE, read_looks
from alexnet_study.report.audit.verdicts import Verdict, judge
from alexnet_study.report.collection import Collection, collect


@dataclass(frozen=True, kw_only=True)
class Beside:
    """The finished runs of the study called `name`, None where there are none, and what they say of the claims."""

    name: str
    collection: Collection | None
    verdicts: tuple[Verdict, ...] = ()

    def unlike(self, own: Collection) -> dict[str, str]:
        """Return the variants of `own` that can't be set beside this study's, each with the reason."""
        other, reasons = self.collection, {}
        for variant in own.variants:
            if other is None or variant not in other.variants:
                reasons[variant] = "not run there"
                continue
            here, there = own.of(variant)[0].identity, other.of(variant)[0].identity
            if (here.model, here.recipe) != (there.model, there.recipe):
                reasons[variant] = "another model or recipe there"
        return reasons


def read_beside(own: Collection, results: Path) -> Beside | None:
    """Return the study below `results` that the study of `own` is to be set beside; None where it names none.

    The claims are those of `own`. They are judged at the other study's last recorded look, with the share of the error
    that it spent; of a study without such a record, at the looks of `own`.
    """
    name = own.study.beside
    if not name:
        return None
    planned = own.study
    looks = read_looks(results / name / FILE)
    if looks:
        last = max(looks, key=lambda look: int(look["n"]))
        planned = dataclasses.replace(planned, looks={last["n"]: last["share"]}, seeds=tuple(last["seeds"]))
    other = collect(dataclasses.replace(planned, name=name, beside=""), results)
    if not other.runs:
        return Beside(name=name, collection=None)
    return Beside(name=name, collection=other, verdicts=tuple(judge(other)))
