"""``sallyport simulate``: would this flow pass on this cluster under these policies, and by whose word?"""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping
from functools import partial
from typing import Any

from policy.cli.command import Command
from policy.cli.lines import Answer, LineCommand, configure_lines, run_lines
from policy.simulation import ClusterState, Flow, InvalidPolicies, InvalidQuestion, simulate

_EPILOG = """\
Each line of input is one case:

  {"cluster": {"namespaces": {"shop": {"team": "a"}}, "pods": [{"namespace": "shop", "name": "web",
               "labels": {"app": "web"}, "ip": "10.0.0.1", "ports": [{"name": "http", "containerPort": 8080}]}]},
   "policies": [manifests as one would apply them], "profile": "api",
   "flow": {"src": {"namespace": "shop", "pod": "web"}, "dst": {"ip": "192.0.2.1"}, "port": 443, "protocol": "TCP"}}

"dst" is a pod {"namespace", "pod"}, an address {"ip"}, a name {"fqdn", "ip"?, "knownBy"?}, a Cilium {"entity"}, or a
{"service", "namespace"}. The answer is {"verdict", "egress", "ingress", "because"}; a target outside the cluster has no
policies of its own, so its "ingress" is "allow". A manifest that no cluster enforces gives "invalid" with its errors.
"""
_COLUMNS = ("verdict", "egress", "ingress", "because", "errors")


def _configure(parser: ArgumentParser) -> None:
    configure_lines(parser)
    parser.epilog = _EPILOG
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.add_argument("--profile", default="api", help="the profile of cases that name none (api, cilium, calico, …)")


def _run(options: Namespace) -> int:
    answer = partial(_answer, default_profile=options.profile)
    return run_lines(options, LineCommand(answer, is_refused=_is_refused, columns=_COLUMNS))


def _is_refused(answer: Answer) -> bool:
    return answer.get("verdict") == "invalid"


def _answer(question: Mapping[str, Any], *, default_profile: str) -> Answer:
    try:
        verdict = simulate(
            cluster=ClusterState.from_document(question.get("cluster")),
            policies=_policies(question.get("policies")),
            flow=Flow.from_document(question.get("flow")),
            profile=question.get("profile") or default_profile,
        )
    except (InvalidPolicies, InvalidQuestion) as error:
        return {"verdict": "invalid", "errors": list(error.errors)}
    return verdict.as_document()


def _policies(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidQuestion(subject="policies", field="", message="must be a list of manifests")
    return value


COMMAND = Command(
    name="simulate",
    summary="would these flows pass, under these policies, and by whose word?",
    configure=_configure,
    run=_run,
)
