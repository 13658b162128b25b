"""The trail as the API tells it."""

from rest_framework import serializers

from ledger.models import LedgerEntry


class LedgerEntrySerializer(serializers.ModelSerializer):
    """One write: who, what, to what, from where; and its link in the chain."""

    details = serializers.DictField(read_only=True)

    class Meta:
        model = LedgerEntry
        fields = (
            "sequence",
            "recorded_at",
            "action",
            "actor",
            "actor_name",
            "origin",
            "subject_kind",
            "subject_id",
            "subject_name",
            "team_id",
            "details",
            "previous_hash",
            "hash",
        )
        read_only_fields = fields
