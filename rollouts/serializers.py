"""Rollouts, pushes, differences and explanations as the API tells them."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from rollouts.explaining import MAX_TEXT, PROTOCOLS
from rollouts.models import Bundle, DriftFinding, NamespacePush, Proof, Rollout, RolloutTarget
from rollouts.services import MAX_NOTE, MAX_STATEMENT


class RolloutTargetSerializer(serializers.ModelSerializer):
    """One namespace at one enforcement point, and how far the change has come there."""

    cluster = serializers.CharField(source="enforcement_point.cluster.name", read_only=True)
    environment = serializers.CharField(source="enforcement_point.cluster.environment.slug", read_only=True)
    namespace = serializers.CharField(source="namespace.name", read_only=True)

    class Meta:
        model = RolloutTarget
        fields = (
            "id",
            "cluster",
            "environment",
            "namespace",
            "tier",
            "state",
            "reason",
            "generation",
            "bundle_hash",
            "rendered_at",
            "written_at",
            "verified_at",
            "observed_at",
        )
        read_only_fields = fields


class ProofSerializer(serializers.ModelSerializer):
    confirmed_by = serializers.CharField(source="confirmed_by.email", read_only=True)
    evidence = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = Proof
        fields = ("effect_hash", "statement", "evidence", "confirmed_by", "confirmed_at")
        read_only_fields = fields


class RolloutSerializer(serializers.ModelSerializer):
    """A revision on its way."""

    passport = serializers.CharField(source="revision.entry.passport", read_only=True)
    revision = serializers.IntegerField(source="revision.number", read_only=True)
    kind = serializers.CharField(source="revision.kind", read_only=True)
    destination = serializers.CharField(source="revision.destination", read_only=True)
    ports = serializers.CharField(source="revision.ports", read_only=True)
    team = serializers.SlugField(source="revision.entry.team.slug", read_only=True)
    effect_hash = serializers.CharField(source="revision.effect_hash", read_only=True)

    class Meta:
        model = Rollout
        fields: tuple[str, ...] = (
            "id",
            "passport",
            "revision",
            "kind",
            "destination",
            "ports",
            "team",
            "effect_hash",
            "state",
            "started_at",
            "state_since",
            "promoted_at",
            "completed_at",
        )
        read_only_fields = fields


class RolloutDetailSerializer(RolloutSerializer):
    """A revision on its way, with its proof and every target."""

    targets = RolloutTargetSerializer(many=True, read_only=True)
    proof = serializers.SerializerMethodField()

    class Meta(RolloutSerializer.Meta):
        fields = (*RolloutSerializer.Meta.fields, "proof", "targets")
        read_only_fields = fields

    @extend_schema_field(ProofSerializer(allow_null=True))
    def get_proof(self, rollout: Rollout) -> dict[str, object] | None:
        proof = getattr(rollout, "proof", None)
        return dict(ProofSerializer(proof).data) if proof else None


class StatementSerializer(serializers.Serializer):
    statement = serializers.CharField(max_length=MAX_STATEMENT)


class DriftSerializer(serializers.ModelSerializer):
    """One difference between what was published and what lies on a cluster."""

    cluster = serializers.CharField(source="namespace.cluster.name", read_only=True)
    namespace = serializers.CharField(source="namespace.name", read_only=True)
    object_kind = serializers.CharField(source="kind", read_only=True)
    object_name = serializers.CharField(source="name", read_only=True)
    differing_fields = serializers.ListField(source="fields", child=serializers.DictField(), read_only=True)

    class Meta:
        model = DriftFinding
        fields: tuple[str, ...] = (
            "id",
            "cluster",
            "namespace",
            "api_version",
            "object_kind",
            "object_name",
            "difference",
            "reason",
            "differing_fields",
            "changed_by",
            "changed_at",
            "found_at",
            "seen_at",
            "revert_asked_at",
            "accepted_until",
            "note",
            "resolution",
            "resolved_at",
        )
        read_only_fields = fields


class DriftDetailSerializer(DriftSerializer):
    """One difference with its three sides."""

    approved = serializers.DictField(read_only=True, allow_null=True)
    published = serializers.DictField(read_only=True, allow_null=True)
    live = serializers.DictField(read_only=True, allow_null=True)

    class Meta(DriftSerializer.Meta):
        fields = (*DriftSerializer.Meta.fields, "approved", "published", "live")
        read_only_fields = fields


class AcceptSerializer(serializers.Serializer):
    until = serializers.DateTimeField()
    note = serializers.CharField(max_length=MAX_NOTE)


class PushSerializer(serializers.ModelSerializer):
    """The work row of one namespace: what is published there, and what stands in the way of more."""

    cluster = serializers.CharField(source="namespace.cluster.name", read_only=True)
    namespace = serializers.CharField(source="namespace.name", read_only=True)
    published_generation = serializers.IntegerField(source="published.generation", read_only=True, allow_null=True)
    published_hash = serializers.CharField(source="published.hash", read_only=True, allow_null=True)

    class Meta:
        model = NamespacePush
        fields = (
            "id",
            "cluster",
            "namespace",
            "state",
            "due_at",
            "attempts",
            "last_error",
            "held_because",
            "published",
            "published_generation",
            "published_hash",
            "published_at",
            "compared_at",
            "default_deny_since",
            "dns_allowed_since",
        )
        read_only_fields = fields


class BundleSerializer(serializers.ModelSerializer):
    """What was compiled for one generation of one namespace."""

    cluster = serializers.CharField(source="namespace.cluster.name", read_only=True)
    namespace = serializers.CharField(source="namespace.name", read_only=True)
    objects = serializers.ListField(source="objects_json", child=serializers.DictField(), read_only=True)
    passports = serializers.ListField(child=serializers.CharField(), read_only=True)
    fidelity = serializers.DictField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = Bundle
        fields = (
            "id",
            "cluster",
            "namespace",
            "generation",
            "dialect",
            "template_version",
            "hash",
            "passports",
            "fidelity",
            "objects",
            "compiled_at",
        )
        read_only_fields = fields


class ComparisonRequestSerializer(serializers.Serializer):
    cluster = serializers.CharField(max_length=63)


class ComparisonSerializer(serializers.Serializer):
    namespaces = serializers.IntegerField(help_text="How many are due for comparison now.")


class QuestionSerializer(serializers.Serializer):
    """A flow to be explained."""

    cluster = serializers.CharField(max_length=63)
    namespace = serializers.CharField(max_length=63)
    destination = serializers.CharField(max_length=MAX_TEXT)
    port = serializers.IntegerField(min_value=1, max_value=65535, required=False, default=None)
    protocol = serializers.ChoiceField(choices=PROTOCOLS, default="TCP")


class MatchSerializer(serializers.Serializer):
    """One entry that allows the flow, or that nearly does and why it does not."""

    passport = serializers.CharField(source="entry.passport")
    revision = serializers.IntegerField(source="revision.number")
    team = serializers.SlugField(source="entry.team.slug")
    destination = serializers.CharField(source="revision.destination")
    ports = serializers.CharField(source="revision.ports")
    justification = serializers.CharField(source="revision.justification")
    ticket = serializers.CharField(source="revision.ticket")
    approved_by = serializers.ListField(source="approvers", child=serializers.CharField())
    approved_at = serializers.DateTimeField(source="revision.approved_at")
    expires_at = serializers.DateTimeField(source="revision.expires_at")
    reason = serializers.CharField()
    generation = serializers.IntegerField(allow_null=True)
    published_at = serializers.DateTimeField(allow_null=True)


class ExplanationSerializer(serializers.Serializer):
    """Whether the flow may leave, and everything that the answer rests on."""

    verdict = serializers.ChoiceField(choices=["allowed", "denied", "unknown"])
    sentence = serializers.CharField()
    matches = MatchSerializer(many=True)
    near_misses = MatchSerializer(many=True)
    may_allow_more = DriftSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())
    compared_at = serializers.DateTimeField(allow_null=True)
