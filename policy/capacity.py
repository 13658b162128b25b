"""What a target can hold, and how much of it a bundle needs: known before anybody approves."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CapacityLine:
    """One limit of a target: how much the entries need, how much there is, and where the limit comes from."""

    resource: str
    needed: int
    limit: int
    because: str

    @property
    def is_over(self) -> bool:
        return self.needed > self.limit

    @property
    def share(self) -> float:
        """The part of the limit that is needed; above 1 something had to be left out."""
        return self.needed / self.limit if self.limit else float(self.needed > 0)
