"""Campaigns and their rows as the API tells them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from audits.models import Campaign, CampaignRow
from audits.services.decisions import MAX_NOTE, MAX_ROWS
from audits.tallies import Tally


class TallySerializer(serializers.Serializer):
    """Rows that the caller may see, by decision."""

    kept = serializers.IntegerField()
    revoked = serializers.IntegerField()
    undecided = serializers.IntegerField()
    total = serializers.IntegerField()


class CampaignSerializer(serializers.ModelSerializer):
    """One quarter's review."""

    tally = serializers.SerializerMethodField()

    class Meta:
        model = Campaign
        fields = ("quarter", "state", "on_silence", "opened_at", "deadline_at", "closed_at", "tally")
        read_only_fields = fields

    @extend_schema_field(TallySerializer)
    def get_tally(self, campaign: Campaign) -> dict[str, Any]:
        tallies = self.context.get("tallies", {})
        return dict(TallySerializer(tallies.get(campaign.pk, Tally())).data)


class CampaignRowSerializer(serializers.ModelSerializer):
    """One entry under review, with what was known of it when the campaign opened."""

    quarter = serializers.CharField(source="campaign.quarter", read_only=True)
    passport = serializers.CharField(source="entry.passport", read_only=True)
    team = serializers.SlugField(source="team.slug", read_only=True)
    decided_by = serializers.CharField(source="decided_by.email", read_only=True, allow_null=True)
    request = serializers.IntegerField(source="request.number", read_only=True, allow_null=True)

    class Meta:
        model = CampaignRow
        fields = (
            "id",
            "quarter",
            "passport",
            "team",
            "destination",
            "ports",
            "justification",
            "expires_at",
            "entry_created_at",
            "usage",
            "usage_reason",
            "last_seen_at",
            "decision",
            "new_end_at",
            "note",
            "decided_by",
            "decided_at",
            "request",
            "outcome",
            "carried_out_at",
        )
        read_only_fields = fields


class DecideSerializer(serializers.Serializer):
    decision = serializers.ChoiceField(choices=CampaignRow.Decision.choices)
    new_end_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=MAX_NOTE)


class DecideManySerializer(DecideSerializer):
    rows = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=MAX_ROWS)
    note = serializers.CharField(max_length=MAX_NOTE)


class RowResultSerializer(serializers.Serializer):
    """What came of one row of a bulk decision."""

    row = serializers.UUIDField(source="row_id")
    passport = serializers.CharField()
    decided = serializers.BooleanField(source="is_decided")
    code = serializers.CharField()
    message = serializers.CharField()
