"""Would this flow pass, and by whose word? Every kind of policy together, as they lie on a cluster."""

from policy.simulation.answers import Answer, Decision, Direction, Verdict
from policy.simulation.compiled import SIMULATED
from policy.simulation.errors import InvalidPolicies, InvalidQuestion
from policy.simulation.flows import Flow, Place
from policy.simulation.profiles import PROFILES, Profile, profile_of
from policy.simulation.simulator import Simulator, simulate
from policy.simulation.state import ClusterState, ContainerPort, Node, Pod, Service

__all__ = [
    "PROFILES",
    "SIMULATED",
    "Answer",
    "ClusterState",
    "ContainerPort",
    "Decision",
    "Direction",
    "Flow",
    "InvalidPolicies",
    "InvalidQuestion",
    "Node",
    "Place",
    "Pod",
    "Profile",
    "Service",
    "Simulator",
    "Verdict",
    "profile_of",
    "simulate",
]
