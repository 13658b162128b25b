"""Entries and their revisions over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from allowlist.models import Entry, EntryRevision


class EntryRevisionSerializer(serializers.ModelSerializer):
    """What an entry says, as approved."""

    requested_by = serializers.CharField(source="requested_by.email")
    approved_by = serializers.SerializerMethodField()

    class Meta:
        model = EntryRevision
        fields = (
            "number",
            "kind",
            "destination",
            "ports",
            "environments",
            "cluster_labels",
            "namespaces",
            "workload",
            "accepted_widening",
            "justification",
            "ticket",
            "data_class",
            "expires_at",
            "effect_hash",
            "requested_by",
            "approved_by",
            "approved_at",
            "promoted_at",
        )

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_approved_by(self, revision: EntryRevision) -> list[str]:
        return [person.email for person in revision.approved_by.all()]


class EntrySerializer(serializers.ModelSerializer):
    """An entry as lists show it: what its newest approved revision says, and which revision each tier carries."""

    team = serializers.CharField(source="team.slug")
    state = serializers.CharField(help_text="in-force, non-production, expired or revoked.")
    destination = serializers.CharField(source="latest.destination")
    ports = serializers.CharField(source="latest.ports")
    environments = serializers.ListField(child=serializers.CharField(), source="latest.environments")
    cluster_labels = serializers.DictField(child=serializers.CharField(), source="latest.cluster_labels")
    namespaces = serializers.ListField(child=serializers.CharField(), source="latest.namespaces")
    workload = serializers.DictField(child=serializers.CharField(), source="latest.workload")
    justification = serializers.CharField(source="latest.justification")
    ticket = serializers.CharField(source="latest.ticket")
    data_class = serializers.CharField(source="latest.data_class")
    expires_at = serializers.DateTimeField(source="latest.expires_at")
    in_non_production = serializers.SerializerMethodField()
    in_production = serializers.SerializerMethodField()

    class Meta:
        model = Entry
        fields = (
            "passport",
            "team",
            "state",
            "destination",
            "ports",
            "environments",
            "cluster_labels",
            "namespaces",
            "workload",
            "justification",
            "ticket",
            "data_class",
            "expires_at",
            "in_non_production",
            "in_production",
            "created_at",
        )

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_in_non_production(self, entry: Entry) -> Any:
        return entry.in_non_production.number if entry.in_non_production else None

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_in_production(self, entry: Entry) -> Any:
        return entry.in_production.number if entry.in_production else None
