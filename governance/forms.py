"""Forms of the workflow. They keep what was typed; what it means is read by ``allowlist.proposals``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from allowlist.errors import InvalidProposal
from allowlist.models import Entry
from allowlist.proposals import DATA_CLASSES, DEFAULT_DAYS, MAX_JUSTIFICATION, Proposal, parse_proposal
from clusters.models import EnforcementPoint, Environment
from governance.models import EgressRequest
from policy.compilation import DIALECTS

_Kind = EgressRequest.Kind
# What a person may say in a request of each kind; the rest stands in the entry.
FIELDS_OF_KIND: dict[str, tuple[str, ...]] = {
    _Kind.RENEW: ("expires_at", "justification", "ticket"),
    _Kind.REVOKE: ("justification", "ticket"),
}
LIST_FIELDS = ("environments", "accepted_widening")


class ProposalForm(forms.Form):
    """What is asked for, in the words of the person who asks."""

    team = forms.ModelChoiceField(label=_("For the team"), queryset=Team.objects.none(), to_field_name="slug")
    destination = forms.CharField(
        label=_("Destination"),
        max_length=1000,
        strip=True,
        help_text=_("A name, *.name for one label, **.name for any depth, or a network such as 192.0.2.0/24."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    ports = forms.CharField(
        label=_("Ports"),
        max_length=500,
        help_text=_("Such as 443/tcp, 8000-8010/tcp or 123/udp; a number alone is TCP."),
    )
    environments = forms.MultipleChoiceField(
        label=_("Environments"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen means all of them."),
    )
    cluster_labels = forms.CharField(
        label=_("Labels of the clusters"),
        required=False,
        max_length=1000,
        help_text=_("Such as region=eu,line=retail; empty means all clusters of the environments."),
    )
    namespaces = forms.CharField(
        label=_("Namespaces"), max_length=3200, help_text=_("Of your team, with commas or spaces between them.")
    )
    workload = forms.CharField(
        label=_("Labels of the workload"),
        required=False,
        max_length=1000,
        help_text=_("Such as app=web; empty means every pod of the namespaces."),
    )
    justification = forms.CharField(
        label=_("Why"),
        max_length=MAX_JUSTIFICATION,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What it is for, and what would not work without it."),
    )
    ticket = forms.CharField(
        label=_("Ticket"), required=False, max_length=300, help_text=_("A link that begins with https://.")
    )
    data_class = forms.ChoiceField(
        label=_("Class of the data that leaves"),
        required=False,
        choices=[("", _("Not said")), *((name, name) for name in DATA_CLASSES)],
    )
    expires_at = forms.CharField(
        label=_("In force until"),
        max_length=40,
        widget=forms.TextInput(attrs={"type": "date"}),
        help_text=_("The whole of that day, UTC; at most a year ahead."),
    )
    accepted_widening = forms.MultipleChoiceField(
        label=_("Accept a wider meaning on"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Only for a dialect of which the checks say that it cannot be exact."),
    )
    origin = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        user: User,
        kind: str = _Kind.ADD,
        entry: Entry | None = None,
        team: Team | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.kind, self.entry, self.fixed_team = user, kind, entry, team
        self.proposal: Proposal | None = None
        self.suggestions: dict[str, str] = {}
        self.fields["team"].queryset = Team.objects.for_which(user, "act_for_team")
        self.fields["environments"].choices = list(Environment.objects.values_list("slug", "name"))
        self.fields["accepted_widening"].choices = _dialects_of_the_fleet()
        wanted = FIELDS_OF_KIND.get(kind)
        for name in list(self.fields):
            if (name == "team" and team is not None) or (
                wanted is not None and name not in (*wanted, "team", "origin")
            ):
                del self.fields[name]

    @property
    def owner(self) -> Team | None:
        """The team that the request is for, once it is known."""
        return self.fixed_team or self.cleaned_data.get("team")

    def clean(self) -> dict[str, Any]:
        """Read the proposal out of the fields; every fault stands beside its own."""
        cleaned = super().clean() or {}
        now = timezone.now()
        try:
            self.proposal = parse_proposal({**self._given(now), **cleaned}, at=now)
        except InvalidProposal as error:
            self.suggestions = error.canonical
            for name, messages in error.fields.items():
                if name not in self.errors:
                    self.add_error(name if name in self.fields else None, messages)
        return cleaned

    def _given(self, now: datetime) -> dict[str, Any]:
        """What the entry says where this kind of request may not say otherwise."""
        if self.kind not in FIELDS_OF_KIND or self.entry is None:
            return {}
        columns = Proposal.of_revision(self.entry.latest).columns()
        # A revocation keeps the entry's end, which may have come; the service takes it from the entry.
        columns["expires_at"] = max(columns["expires_at"], now + timedelta(days=1))
        return columns


def _dialects_of_the_fleet() -> list[tuple[str, str]]:
    """Only what some cluster speaks: of other dialects nobody can say what a wider meaning would be."""
    spoken = EnforcementPoint.objects.in_service().order_by("dialect").values_list("dialect", flat=True).distinct()
    return [(name, name) for name in spoken if name in DIALECTS]


def initial_of(row: Any) -> dict[str, Any]:
    """The columns of a request or a revision as a person would type them."""
    return {
        "destination": row.destination,
        "ports": row.ports,
        "environments": row.environments,
        "cluster_labels": labels_text(row.cluster_labels),
        "namespaces": ", ".join(row.namespaces),
        "workload": labels_text(row.workload),
        "justification": row.justification,
        "ticket": row.ticket,
        "data_class": row.data_class,
        "expires_at": last_day(row.expires_at),
        "accepted_widening": row.accepted_widening,
    }


def labels_text(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def last_day(end: datetime) -> str:
    """The date of which ``end`` is the end: midnight belongs to the day before."""
    return (end - timedelta(microseconds=1)).date().isoformat()


def default_end(at: datetime) -> str:
    return (at + timedelta(days=DEFAULT_DAYS)).date().isoformat()


class DecisionForm(forms.Form):
    """What a reviewer says. Revision and effect name what was on the screen when it was said."""

    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)
    effect_hash = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)
    comment = forms.CharField(
        label=_("Comment"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2})
    )


class ApproveForm(DecisionForm):
    role = forms.ChoiceField(label=_("As"), required=False)

    def __init__(self, *args: Any, roles: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [("", ""), *roles]
        if len(roles) < 2:
            del self.fields["role"]


class RejectForm(DecisionForm):
    cited_rule = forms.CharField(
        label=_("Rule"),
        required=False,
        max_length=100,
        help_text=_("The rule that speaks against it; every rejection cites one."),
    )
    acceptable_change = forms.CharField(
        label=_("Nearest acceptable change"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("What would be approved instead."),
    )
