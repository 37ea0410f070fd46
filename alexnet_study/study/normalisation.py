"""By what images are normalised: the mean and the standard deviation of each colour channel."""

from dataclasses import dataclass

from alexnet_study.study.validation import check


@dataclass(frozen=True, kw_only=True)
class ChannelStatistics:
    """The mean and the standard deviation of each channel's values over all pixels, values from 0 to 1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        within = len(self.mean) == 3 and all(0 <= value <= 1 for value in self.mean)
        check(within, "mean", list(self.mean), "three values from 0 to 1, of red, green and blue")
        positive = len(self.std) == 3 and all(value > 0 for value in self.std)
        check(positive, "std", list(self.std), "three numbers above 0, of red, green and blue")

    def __str__(self) -> str:
        mean, std = (" ".join(f"{value:g}" for value in values) for values in (self.mean, self.std))
        return f"mean {mean}, std {std}"


# As commonly published; the deviations are means over images, not over pixels
CIFAR10 = ChannelStatistics(mean=(0.4914, 0.4822, 0.4465), std=(0.2023, 0.1994, 0.2010))
