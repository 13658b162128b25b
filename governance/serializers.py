"""Requests and decisions over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.models import Approval, EgressRequest
from governance.needs import need_lines
from governance.states import actions_in


class ApprovalSerializer(serializers.ModelSerializer):
    """One decision; a voided one says since when and why."""

    reviewer = serializers.CharField(source="reviewer.email")

    class Meta:
        model = Approval
        fields = (
            "id",
            "decision",
            "role",
            "reviewer",
            "revision",
            "effect_hash",
            "comment",
            "cited_rule",
            "acceptable_change",
            "decided_at",
            "voided_at",
            "voided_because",
        )


class NeedSerializer(serializers.Serializer):
    role = serializers.CharField()
    count = serializers.IntegerField()
    missing = serializers.IntegerField()
    because = serializers.ListField(child=serializers.CharField())


class RequestSerializer(serializers.ModelSerializer):
    """A request as lists show it."""

    team = serializers.CharField(source="team.slug")
    entry = serializers.CharField(source="entry.passport", default=None, allow_null=True)
    requester = serializers.CharField(source="requester.email")
    risk_severity = serializers.SerializerMethodField()

    class Meta:
        model = EgressRequest
        fields = (
            "number",
            "kind",
            "state",
            "team",
            "entry",
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
            "requester",
            "revision",
            "effect_hash",
            "risk_severity",
            "origin",
            "created_at",
            "submitted_at",
            "answer_due_at",
            "decided_at",
        )

    @extend_schema_field(serializers.CharField())
    def get_risk_severity(self, request: EgressRequest) -> str:
        return str(request.risk.get("severity", ""))


class RequestDetailSerializer(RequestSerializer):
    """A request with its effect, its risk and everybody's decisions."""

    approvals = ApprovalSerializer(many=True)
    needs = serializers.SerializerMethodField()
    risk = serializers.JSONField()
    effect = serializers.JSONField()
    actions = serializers.SerializerMethodField()

    class Meta(RequestSerializer.Meta):
        fields = (*RequestSerializer.Meta.fields, "needs", "approvals", "risk", "effect", "actions")

    @extend_schema_field(NeedSerializer(many=True))
    def get_needs(self, request: EgressRequest) -> list[dict[str, Any]]:
        lines = need_lines(request, request.approvals.all())
        return [
            {"role": one.role, "count": one.count, "missing": one.missing, "because": list(one.because)}
            for one in lines
        ]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_actions(self, request: EgressRequest) -> list[str]:
        return list(actions_in(request.state))


class ProposalFieldsSerializer(serializers.Serializer):
    """What is asked for. The values are read, and refused field by field, by the same code as the form's."""

    destination = serializers.CharField(max_length=1000, required=False)
    ports = serializers.CharField(max_length=500, required=False)
    environments = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=20)
    cluster_labels = serializers.DictField(child=serializers.CharField(max_length=63, allow_blank=True), required=False)
    namespaces = serializers.ListField(child=serializers.CharField(max_length=63), required=False, max_length=50)
    workload = serializers.DictField(child=serializers.CharField(max_length=63, allow_blank=True), required=False)
    accepted_widening = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=20)
    justification = serializers.CharField(max_length=2000, required=False)
    ticket = serializers.CharField(max_length=300, required=False, allow_blank=True)
    data_class = serializers.CharField(max_length=40, required=False, allow_blank=True)
    expires_at = serializers.CharField(
        max_length=40, required=False, help_text="A date, of which the whole day counts, or an instant with its zone."
    )


class NewRequestSerializer(ProposalFieldsSerializer):
    """A new request: for a new entry of a team, or for a change of an entry."""

    kind = serializers.ChoiceField(choices=EgressRequest.Kind.choices, default=EgressRequest.Kind.ADD)
    team = serializers.SlugField(required=False, help_text="Of the new entry; a change takes the entry's.")
    entry = serializers.CharField(max_length=12, required=False, help_text="Passport of the entry to change.")
    submit = serializers.BooleanField(default=True, help_text="False keeps it as a draft.")


class EditSerializer(ProposalFieldsSerializer):
    """The fields that change; the others stay as they are."""

    revision = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="The revision that you read.")


class RevisionSerializer(serializers.Serializer):
    revision = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)


class ApproveSerializer(serializers.Serializer):
    revision = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    effect_hash = serializers.CharField(
        max_length=64, help_text="Of the effect that you read: the approval binds to it."
    )
    comment = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")
    role = serializers.CharField(max_length=30, required=False, allow_blank=True, default="")


class CommentSerializer(serializers.Serializer):
    revision = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    comment = serializers.CharField(max_length=4000)


class RejectSerializer(CommentSerializer):
    cited_rule = serializers.CharField(max_length=100)
    acceptable_change = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")


class RiskFindingSerializer(serializers.Serializer):
    rule = serializers.CharField()
    severity = serializers.CharField()
    reason = serializers.CharField()


class ExampleSerializer(serializers.Serializer):
    text = serializers.CharField()
    matches = serializers.BooleanField()
    why = serializers.CharField()


class PreviewSerializer(serializers.Serializer):
    clusters = serializers.ListField(child=serializers.CharField())
    namespace = serializers.CharField()
    dialect = serializers.CharField()
    verdict = serializers.CharField(source="fidelity.verdict")
    reason = serializers.CharField(source="fidelity.reason")
    witnesses = serializers.ListField(child=serializers.CharField(), source="fidelity.witnesses")
    is_enforced = serializers.BooleanField()
    is_first = serializers.BooleanField(help_text="The namespace gets its default deny with this change.")
    diff = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_diff(self, preview: Any) -> list[str]:
        return [f"{sign}{text}" for sign, text in preview.lines]


class ApprovalNeedSerializer(serializers.Serializer):
    role = serializers.CharField()
    count = serializers.IntegerField()
    because = serializers.ListField(child=serializers.CharField())


class ChecksSerializer(serializers.Serializer):
    """Everything that can be said of a proposal before anybody approves it."""

    canonical = serializers.CharField()
    ports = serializers.CharField()
    examples = ExampleSerializer(many=True)
    covered_by = serializers.CharField(source="covered_by.passport", default=None, allow_null=True)
    findings = RiskFindingSerializer(many=True, source="risk.findings")
    needs = ApprovalNeedSerializer(many=True)
    previews = PreviewSerializer(many=True)
    problems = serializers.ListField(child=serializers.CharField())
    is_submittable = serializers.BooleanField()
    effect_hash = serializers.CharField()
