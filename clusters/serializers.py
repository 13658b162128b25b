"""The fleet as the REST API shows it. Fields are listed one by one; of a credential only what opens nothing."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Team
from clusters.models import Cluster, ClusterCredential, Contact, EnforcementPoint, Environment, Namespace

MAX_KUBECONFIG = 400_000
MAX_PEM = 300_000


class EnvironmentSerializer(serializers.ModelSerializer):
    class Meta:
        model = Environment
        fields = ("slug", "name", "tier", "position")


class EnforcementPointSerializer(serializers.ModelSerializer):
    class Meta:
        model = EnforcementPoint
        fields = ("id", "layer", "dialect", "dialect_version", "found_at")


class CredentialSerializer(serializers.ModelSerializer):
    class Meta:
        model = ClusterCredential
        fields = ("kind", "fingerprint", "created_at", "expires_at")


class ClusterSerializer(serializers.ModelSerializer):
    environment = serializers.CharField(source="environment.slug")
    tier = serializers.CharField(source="environment.tier")
    owner_team = serializers.CharField(source="owner_team.slug")
    is_stale = serializers.SerializerMethodField(help_text="Not heard from for too long: its state is not known.")
    enforcement_points = EnforcementPointSerializer(many=True)
    credential = serializers.SerializerMethodField()
    namespace_count = serializers.IntegerField()
    unassigned_count = serializers.IntegerField(help_text="Namespaces that no team answers for.")

    class Meta:
        model = Cluster
        fields = (
            "id",
            "name",
            "environment",
            "tier",
            "owner_team",
            "labels",
            "dns",
            "server",
            "state",
            "state_reason",
            "state_since",
            "is_stale",
            "identity",
            "version",
            "workload_count",
            "namespace_count",
            "unassigned_count",
            "foreign_policies",
            "enforcement_points",
            "credential",
            "inventoried_at",
            "last_contact_at",
            "registered_at",
            "retired_at",
        )

    def get_is_stale(self, cluster: Cluster) -> bool:
        return cluster.state == Cluster.State.CONNECTED and cluster.is_silent(timezone.now())

    @extend_schema_field(CredentialSerializer(allow_null=True))
    def get_credential(self, cluster: Cluster) -> dict[str, Any] | None:
        credential = getattr(cluster, "credential", None)
        return dict(CredentialSerializer(credential).data) if credential else None


class AccessSerializer(serializers.Serializer):
    """A kubeconfig, or its parts. Taken in and never given out."""

    kubeconfig = serializers.CharField(
        required=False, write_only=True, max_length=MAX_KUBECONFIG, trim_whitespace=False
    )
    server = serializers.CharField(required=False, write_only=True, max_length=2000)
    ca_certificate = serializers.CharField(required=False, write_only=True, max_length=MAX_PEM)
    token = serializers.CharField(required=False, write_only=True, max_length=MAX_PEM)
    client_certificate = serializers.CharField(required=False, write_only=True, max_length=MAX_PEM)
    client_key = serializers.CharField(required=False, write_only=True, max_length=MAX_PEM)


def _environment() -> serializers.SlugRelatedField:
    return serializers.SlugRelatedField(slug_field="slug", queryset=Environment.objects.all())


def _team(**options: Any) -> serializers.SlugRelatedField:
    return serializers.SlugRelatedField(slug_field="slug", queryset=Team.objects.all(), **options)


class ClusterRegistrationSerializer(AccessSerializer):
    name = serializers.CharField(max_length=63)
    environment = _environment()
    owner_team = _team()
    labels = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)
    dns = serializers.DictField(default=dict)


class ClusterChangeSerializer(serializers.Serializer):
    environment = _environment()
    owner_team = _team()
    labels = serializers.DictField(child=serializers.CharField(allow_blank=True))
    dns = serializers.DictField()


class ReasonSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=500)


class NamespaceSerializer(serializers.ModelSerializer):
    cluster = serializers.CharField(source="cluster.name")
    team = serializers.CharField(source="team.slug", allow_null=True, default=None)

    class Meta:
        model = Namespace
        fields = ("id", "cluster", "name", "uid", "labels", "workload_count", "team", "found_at", "gone_at")


class AssignmentSerializer(serializers.Serializer):
    team = _team(allow_null=True)


class ContactFindingSerializer(serializers.Serializer):
    step = serializers.CharField()
    result = serializers.ChoiceField(choices=["ok", "warning", "failed"])
    detail = serializers.CharField()


class ContactSerializer(serializers.ModelSerializer):
    findings = ContactFindingSerializer(many=True)

    class Meta:
        model = Contact
        fields = ("id", "kind", "state", "requested_at", "finished_at", "attempts", "verdict", "findings")


class ContactRequestSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(choices=Contact.Kind.choices)
