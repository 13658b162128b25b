"""Answers that may be uncertain: yes, no, "nobody can know from this state" and "implementations differ"."""

from collections.abc import Iterable
from enum import IntEnum


class Truth(IntEnum):
    """Ordered so that the disjunction of several answers is their maximum."""

    NO = 0
    CNI = 1
    UNKNOWN = 2
    YES = 3

    @property
    def is_certain(self) -> bool:
        return self is Truth.YES or self is Truth.NO


def every(truths: Iterable[Truth]) -> Truth:
    """The conjunction: no beats everything, then unknown, then implementation-dependent."""
    result = Truth.YES
    for truth in truths:
        if truth is Truth.NO:
            return Truth.NO
        if truth is Truth.UNKNOWN or result is Truth.YES:
            result = truth
    return result


def some(truths: Iterable[Truth]) -> Truth:
    """The disjunction: yes beats everything, then unknown, then implementation-dependent."""
    result = Truth.NO
    for truth in truths:
        if truth is Truth.YES:
            return Truth.YES
        result = max(result, truth)
    return result


def negate(truth: Truth) -> Truth:
    """Yes becomes no and no becomes yes; what is uncertain stays so."""
    if truth is Truth.YES:
        return Truth.NO
    return Truth.YES if truth is Truth.NO else truth


def truth_of(claim: bool) -> Truth:
    return Truth.YES if claim else Truth.NO
