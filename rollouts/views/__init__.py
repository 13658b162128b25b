"""Pages of rollouts, differences and explanations."""

from rollouts.views.drift import accept, cluster_drift, compare, drift, release, revert
from rollouts.views.explain import explain
from rollouts.views.rollouts import confirm, promote, rollout, rollout_progress, rollouts

__all__ = [
    "accept",
    "cluster_drift",
    "compare",
    "confirm",
    "drift",
    "explain",
    "promote",
    "release",
    "revert",
    "rollout",
    "rollout_progress",
    "rollouts",
]
