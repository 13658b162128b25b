"""Forms of rollouts and differences. They read text; what is right is judged by the services."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from django import forms
from django.utils.translation import gettext_lazy as _

from rollouts.explaining import MAX_TEXT, PROTOCOLS
from rollouts.services import MAX_NOTE, MAX_STATEMENT


class ProofForm(forms.Form):
    statement = forms.CharField(
        label=_("What did you see working?"),
        max_length=MAX_STATEMENT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("It stands in the proof under your name, and in the ledger."),
    )


class AcceptForm(forms.Form):
    until = forms.DateField(
        label=_("Accept until"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("The difference counts again after that day."),
    )
    note = forms.CharField(label=_("Why"), max_length=MAX_NOTE, widget=forms.Textarea(attrs={"rows": 2}))

    def clean_until(self) -> datetime:
        """The end of the day that was chosen, in UTC."""
        day = self.cleaned_data["until"]
        if day.year > 9000:
            raise forms.ValidationError(_("Choose an earlier date."))
        return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)


class ExplainForm(forms.Form):
    """A question about one flow; it travels in the address, so that a link to it is the question."""

    cluster = forms.CharField(
        label=_("Cluster"), max_length=63, widget=forms.TextInput(attrs={"list": "known-clusters"})
    )
    namespace = forms.CharField(label=_("Namespace"), max_length=63)
    destination = forms.CharField(label=_("Destination"), max_length=MAX_TEXT, help_text=_("A name or an address."))
    port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65535, required=False)
    protocol = forms.ChoiceField(label=_("Protocol"), choices=[(name, name) for name in PROTOCOLS], initial="TCP")
