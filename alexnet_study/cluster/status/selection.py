"""Which runs a command is about: by state, variant and seed."""

from dataclasses import dataclass

from alexnet_study.errors import RequestError
from alexnet_study.study.study import Study, seeds_from_text

STATES = ("waiting", "running", "finished", "failed", "unknown", "not sent")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The states, variants and seeds that are wanted; all, where none are named."""

    states: frozenset[str] = frozenset()
    variants: frozenset[str] = frozenset()
    seeds: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        """Return whether it leaves anything out."""
        return bool(self.states or self.variants or self.seeds)

    def keeps(self, variant: str, seed: int, state: str) -> bool:
        """Return whether a run is wanted."""
        return (
            (not self.states or state in self.states)
            and (not self.variants or variant in self.variants)
            and (not self.seeds or seed in self.seeds)
        )


EVERYTHING = Selection()


def selection_from(study: Study, *, state: str, variant: str, seeds: str) -> Selection:
    """Return what lists with commas name; raise RequestError for a state or a variant that there is not."""
    return Selection(
        states=_known("--state", state, STATES),
        variants=_known("--variant", variant, tuple(study.variants)),
        seeds=frozenset(seeds_from_text(seeds)) if seeds else frozenset(),
    )


def _known(option: str, text: str, known: tuple[str, ...]) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    unknown = sorted(names - set(known))
    if unknown:
        raise RequestError(f"{option}: {unknown[0]!r} is not valid; expected some of {', '.join(known)}")
    return names
