"""Forms of the fleet. What was typed stays, except secrets: those are asked for again and never repeated."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from clusters.definitions import DnsValue
from clusters.errors import InvalidCluster
from clusters.models import Cluster, Environment
from clusters.registration import may_show_again, read_access
from connectors.access import ClusterAccess
from policy.errors import DomainError, InvalidSelector
from policy.selectors import LabelSelector, parse_selector

MAX_KUBECONFIG = 400_000
MAX_PEM = 300_000
MAX_TEXT = 2_000


class SecretTextarea(forms.Textarea):
    """Never shows what was typed into it."""

    def __init__(self) -> None:
        super().__init__(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false", "class": "font-monospace"})

    def format_value(self, value: Any) -> None:
        return None


class CertificateTextarea(forms.Textarea):
    """Shows a certificate again, and nothing that might be or hold a key."""

    def __init__(self) -> None:
        super().__init__(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false", "class": "font-monospace"})

    def format_value(self, value: Any) -> str | None:
        text = str(value) if value is not None else ""
        return text if may_show_again(text) else None


def show_error(form: forms.Form, error: DomainError) -> None:
    """Put each message beside its field, or above the form where the form has no such field."""
    named = error.details.get("fields")
    fields = named if isinstance(named, dict) else {}
    for field, messages in fields.items():
        form.add_error(field if field in form.fields else None, messages)
    if not fields:
        form.add_error(None, error.message)


class AccessForm(forms.Form):
    """A kubeconfig, or its parts."""

    kubeconfig = forms.CharField(
        label=_("Kubeconfig"),
        required=False,
        max_length=MAX_KUBECONFIG,
        strip=False,
        widget=SecretTextarea,
        help_text=_("Pasted whole. Programs, files, proxies and skipped verification in it are refused by name."),
    )
    server = forms.CharField(
        label=_("Address of the API server"),
        required=False,
        max_length=MAX_TEXT,
        help_text=_("Begins with https://."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "url"}),
    )
    ca_certificate = forms.CharField(
        label=_("Certificate of its authority"),
        required=False,
        max_length=MAX_PEM,
        widget=CertificateTextarea,
        help_text=_("PEM. Only servers that this authority vouches for are believed."),
    )
    token = forms.CharField(
        label=_("Bearer token"),
        required=False,
        max_length=MAX_PEM,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Either a token, or a client certificate with its key."),
    )
    client_certificate = forms.CharField(
        label=_("Client certificate"), required=False, max_length=MAX_PEM, widget=CertificateTextarea
    )
    client_key = forms.CharField(
        label=_("Key of the client certificate"), required=False, max_length=MAX_PEM, widget=SecretTextarea
    )

    ACCESS_FIELDS = ("kubeconfig", "server", "ca_certificate", "token", "client_certificate", "client_key")

    def read_access(self) -> ClusterAccess | None:
        """The access that was given, or ``None`` with an error beside each field at fault."""
        try:
            return read_access(**{name: self.cleaned_data.get(name, "") for name in self.ACCESS_FIELDS})
        except InvalidCluster as error:
            show_error(self, error)
            return None

    def show_refusal(self, error: DomainError) -> None:
        """As ``show_error``; what is wrong with an address from a kubeconfig is told beside the kubeconfig."""
        if isinstance(error, InvalidCluster) and "server" in error.fields and self.cleaned_data.get("kubeconfig"):
            error = InvalidCluster({"kubeconfig": error.fields["server"]})
        show_error(self, error)


def _labels_field(**options: Any) -> forms.CharField:
    return forms.CharField(
        label=_("Labels"),
        required=False,
        max_length=MAX_TEXT,
        help_text=_("Such as region=eu,line=retail. Scopes of entries choose clusters by them."),
        **options,
    )


class DescriptionForm(forms.Form):
    """What people say about a cluster."""

    environment = forms.ModelChoiceField(
        label=_("Environment"), queryset=Environment.objects.all(), to_field_name="slug", empty_label=None
    )
    owner_team = forms.ModelChoiceField(label=_("Owner"), queryset=Team.objects.all(), to_field_name="slug")
    labels = _labels_field()
    dns_namespace = forms.CharField(
        label=_("Namespace of the DNS pods"), required=False, max_length=63, help_text=_("Empty: kube-system.")
    )
    dns_pod_labels = forms.CharField(
        label=_("Labels of the DNS pods"), required=False, max_length=MAX_TEXT, help_text=_("Empty: k8s-app=kube-dns.")
    )
    dns_ports = forms.CharField(
        label=_("Ports of the DNS pods"), required=False, max_length=100, help_text=_("Empty: 53. OpenShift uses 5353.")
    )
    dns_node_local_addresses = forms.CharField(
        label=_("Addresses of node-local DNS"),
        required=False,
        max_length=400,
        help_text=_("Such as 169.254.20.10, where there is such a cache."),
    )

    def clean_labels(self) -> dict[str, str]:
        return self._selector("labels").as_labels()

    def clean_dns_pod_labels(self) -> dict[str, str]:
        return self._selector("dns_pod_labels").as_labels()

    def clean_dns_ports(self) -> list[int]:
        words = self.cleaned_data["dns_ports"].replace(",", " ").split()
        if not all(word.isascii() and word.isdigit() and len(word) < 6 for word in words):
            raise forms.ValidationError(_("Port numbers are needed."))
        return [int(word) for word in words]

    def clean_dns_node_local_addresses(self) -> list[str]:
        return list(self.cleaned_data["dns_node_local_addresses"].replace(",", " ").split())

    def description(self) -> dict[str, Any]:
        """As the services take it."""
        return {
            "environment_id": self.cleaned_data["environment"].pk,
            "owner_team_id": self.cleaned_data["owner_team"].pk,
            "labels": self.cleaned_data["labels"],
            "dns": self._dns(),
        }

    def _dns(self) -> dict[str, DnsValue]:
        names = ("namespace", "pod_labels", "ports", "node_local_addresses")
        given = {name: self.cleaned_data[f"dns_{name}"] for name in names}
        return {name: value for name, value in given.items() if value}

    def _selector(self, field: str) -> LabelSelector:
        try:
            return parse_selector(self.cleaned_data[field])
        except InvalidSelector as error:
            raise forms.ValidationError(error.message) from None

    @staticmethod
    def initial_of(cluster: Cluster) -> dict[str, str]:
        """What the form shows of a cluster as it is."""
        dns = cluster.dns
        return {
            "environment": cluster.environment.slug,
            "owner_team": cluster.owner_team.slug,
            "labels": _as_text(cluster.labels),
            "dns_namespace": dns.get("namespace", ""),
            "dns_pod_labels": _as_text(dns.get("pod_labels", {})),
            "dns_ports": ", ".join(str(port) for port in dns.get("ports", [])),
            "dns_node_local_addresses": ", ".join(dns.get("node_local_addresses", [])),
        }


class RegistrationForm(AccessForm, DescriptionForm):
    """A new cluster: what it is called, what is said about it, and how it is reached."""

    name = forms.CharField(
        label=_("Name"),
        max_length=63,
        help_text=_("Lower-case letters, digits and hyphens. It stays for ever."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ("name", "environment", "owner_team", "labels")

    DESCRIPTION_FIELDS = ("name", "environment", "owner_team", "labels")
    PART_FIELDS = ("server", "ca_certificate", "token", "client_certificate", "client_key")
    DNS_FIELDS = ("dns_namespace", "dns_pod_labels", "dns_ports", "dns_node_local_addresses")

    def description_group(self) -> list[forms.BoundField]:
        return [self[name] for name in self.DESCRIPTION_FIELDS]

    def part_group(self) -> list[forms.BoundField]:
        return [self[name] for name in self.PART_FIELDS]

    def dns_group(self) -> list[forms.BoundField]:
        return [self[name] for name in self.DNS_FIELDS]


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class AssignmentForm(forms.Form):
    """The team that answers for a namespace, and the one that the page showed."""

    team = forms.ModelChoiceField(queryset=Team.objects.all(), to_field_name="slug", required=False)
    seen = forms.ModelChoiceField(queryset=Team.objects.all(), to_field_name="slug", required=False)


def _as_text(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
