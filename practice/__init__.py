"""Clusters to practise on: real kube-apiservers on loopback, for the demo and for the tests."""

from practice.authority import Identity
from practice.binary import BuildStatus, ControlPlaneUnavailable, Programs, build_status, ensure_programs, find_programs
from practice.controlplane import ADMIN, SALLYPORT, ControlPlane, kubeconfig_text

__all__ = [
    "ADMIN",
    "SALLYPORT",
    "BuildStatus",
    "ControlPlane",
    "ControlPlaneUnavailable",
    "Identity",
    "Programs",
    "build_status",
    "ensure_programs",
    "find_programs",
    "kubeconfig_text",
]
