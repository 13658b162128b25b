"""Observed egress as the REST API shows it."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from flows.models import FlowBatch, FlowSource


class FlowSourceSerializer(serializers.ModelSerializer):
    cluster = serializers.CharField(source="cluster.name")

    class Meta:
        model = FlowSource
        fields = (
            "id",
            "cluster",
            "name",
            "format",
            "token_prefix",
            "created_at",
            "revoked_at",
            "last_batch_at",
            "newest_flow_at",
        )


class FlowSourceCreationSerializer(serializers.Serializer):
    cluster = serializers.CharField(max_length=63)
    name = serializers.CharField(max_length=80)


class NewFlowSourceSerializer(serializers.ModelSerializer):
    cluster = serializers.CharField(source="cluster.name")
    secret = serializers.CharField(help_text="The token; shown once.")

    class Meta:
        model = FlowSource
        fields: ClassVar[tuple[str, ...]] = (*FlowSourceSerializer.Meta.fields, "secret")


class RejectionSerializer(serializers.Serializer):
    line = serializers.IntegerField()
    reason = serializers.CharField()


class FlowBatchSerializer(serializers.ModelSerializer):
    """What became of the lines of a batch."""

    rejections = RejectionSerializer(many=True, help_text="The first few.")
    is_repeated = serializers.BooleanField(default=False, help_text="The batch was here before; nothing was added.")

    class Meta:
        model = FlowBatch
        fields = (
            "id",
            "batch_key",
            "received_at",
            "lines",
            "flows",
            "skipped",
            "rejected",
            "reasons",
            "rejections",
            "is_repeated",
        )


class DeniedGroupSerializer(serializers.Serializer):
    team = serializers.CharField(allow_blank=True)
    namespace = serializers.CharField()
    workload = serializers.CharField(allow_blank=True)
    destination = serializers.CharField()
    port = serializers.IntegerField(allow_null=True)
    protocol = serializers.CharField()
    clusters = serializers.ListField(child=serializers.CharField())
    environments = serializers.ListField(child=serializers.CharField())
    verdicts = serializers.ListField(child=serializers.CharField())
    flow_count = serializers.IntegerField()
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()


class CallerSerializer(serializers.Serializer):
    cluster = serializers.CharField()
    namespace = serializers.CharField()
    workload = serializers.CharField(allow_blank=True)
    flow_count = serializers.IntegerField()
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()


class CoverageSerializer(serializers.Serializer):
    hours = serializers.IntegerField(help_text="Complete hours of the window.")
    covered = serializers.IntegerField(help_text="Those for which every log is complete.")


class UsageSerializer(serializers.Serializer):
    """Use of one entry; “unused” is said only where the logs covered the whole window."""

    verdict = serializers.ChoiceField(choices=["used", "unused", "unknown"])
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    first_seen_at = serializers.DateTimeField(allow_null=True)
    last_seen_at = serializers.DateTimeField(allow_null=True)
    flow_count = serializers.IntegerField()
    caller_count = serializers.IntegerField()
    callers = CallerSerializer(many=True)
    coverage = CoverageSerializer()
