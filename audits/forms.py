"""The form that decides rows. It reads text; what is right is judged by the services."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audits.models import CampaignRow
from audits.services.decisions import MAX_NOTE

DEFAULT_DAYS = 90


class DecideForm(forms.Form):
    """One decision for one row or several."""

    rows = forms.ModelMultipleChoiceField(queryset=CampaignRow.objects.none(), widget=forms.MultipleHiddenInput())
    decision = forms.ChoiceField(label=_("Decision"), choices=CampaignRow.Decision.choices, widget=forms.RadioSelect())
    new_end_at = forms.DateField(
        label=_("New end, to keep"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    note = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=MAX_NOTE,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Needed where several rows are decided at once."),
    )

    def __init__(self, *args: Any, rows: QuerySet[CampaignRow], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ModelMultipleChoiceField, self.fields["rows"]).queryset = rows
        self.fields["rows"].error_messages["required"] = _("Choose at least one row.")
        self.fields["new_end_at"].initial = (timezone.now() + timedelta(days=DEFAULT_DAYS)).date()

    def clean_new_end_at(self) -> datetime | None:
        """The end of the day that was chosen, in UTC."""
        day = self.cleaned_data["new_end_at"]
        if day is None:
            return None
        if day.year > 9000:
            raise forms.ValidationError(_("Choose an earlier date."))
        return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)

    def clean(self) -> dict[str, object]:
        given = super().clean() or self.cleaned_data
        if given.get("decision") == CampaignRow.Decision.KEEP and "new_end_at" in given and not given["new_end_at"]:
            self.add_error("new_end_at", _("To keep an entry, name its new end."))
        if len(given.get("rows", ())) > 1 and not given.get("note", "").strip():
            self.add_error("note", _("Say why, once for all the rows chosen."))
        return given
