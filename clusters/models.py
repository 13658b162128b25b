"""The fleet: clusters, their namespaces and who owns those, where policy is enforced, and the sealed keys."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Identified, Team
from clusters.querysets import ClusterQuerySet, EnforcementPointQuerySet, NamespaceQuerySet, silent_since
from policy.capabilities import Capabilities
from policy.template import DnsAllowance

LABEL_NAME = RegexValidator(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", _("Lower-case letters, digits and hyphens."))


class Tier(models.TextChoices):
    """A change is proved in every non-production cluster before it reaches production."""

    NON_PRODUCTION = "non-production", _("Non-production")
    PRODUCTION = "production", _("Production")


class Environment(Identified):
    """A named stage of the fleet, such as development, staging or production."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    tier = models.CharField(max_length=20, choices=Tier.choices)
    position = models.PositiveSmallIntegerField(default=0, help_text=_("Earlier stages come first."))

    class Meta:
        ordering = ["position", "slug"]

    def __str__(self) -> str:
        return self.name


class Cluster(Identified):
    """One registered API server. Its identity is the UID of kube-system, pinned at the first contact."""

    class State(models.TextChoices):
        REGISTERED = "registered", _("Registered, not yet contacted")
        CONNECTED = "connected", _("Connected")
        UNREACHABLE = "unreachable", _("Unreachable")
        REFUSED = "refused", _("Refuses our credential")
        MISMATCH = "mismatch", _("Not the cluster that was registered")

    name = models.CharField(max_length=63, unique=True, validators=[LABEL_NAME])
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="clusters")
    owner_team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="clusters")
    labels = models.JSONField(default=dict, blank=True)
    server = models.CharField(max_length=300, help_text=_("https address of the API server."))
    ca_certificate = models.TextField(help_text=_("The cluster's own authority, PEM."))
    dns = models.JSONField(
        default=dict, blank=True, help_text=_("Where pods ask for names, if not kube-dns on port 53.")
    )

    state = models.CharField(max_length=20, choices=State.choices, default=State.REGISTERED)
    state_reason = models.CharField(max_length=300, blank=True)
    state_since = models.DateTimeField(auto_now_add=True)
    identity = models.CharField(max_length=64, blank=True, help_text=_("UID of the kube-system namespace."))
    version = models.CharField(max_length=40, blank=True)
    workload_count = models.PositiveIntegerField(null=True, blank=True)
    foreign_policies = models.JSONField(default=dict, blank=True, help_text=_("Kind → how many that are not ours."))
    inventoried_at = models.DateTimeField(null=True, blank=True)
    last_contact_at = models.DateTimeField(null=True, blank=True)
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="registered_clusters"
    )
    registered_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = ClusterQuerySet.as_manager()

    class Meta:
        ordering = ["environment__position", "name"]
        constraints = [
            # Registered twice, a production cluster could be reached as a non-production one.
            models.UniqueConstraint(
                fields=["identity"],
                condition=Q(retired_at=None) & ~Q(identity=""),
                name="cluster_identity_once_in_service",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_production(self) -> bool:
        return self.environment.tier == Tier.PRODUCTION

    def get_absolute_url(self) -> str:
        return reverse("clusters:detail", kwargs={"name": self.name})

    def is_silent(self, at: datetime) -> bool:
        """Whether it was last heard from too long ago for its state to be believed."""
        return self.last_contact_at is None or self.last_contact_at < silent_since(at)

    @property
    def dns_allowance(self) -> DnsAllowance:
        """The DNS rule of the template as this cluster needs it."""
        values: dict[str, Any] = {}
        for key, value in self.dns.items():
            if key == "pod_labels":
                values[key] = tuple(sorted(value.items()))
            else:
                values[key] = tuple(value) if isinstance(value, list) else value
        return DnsAllowance(**values)


class ClusterCredential(Identified):
    """The key to a cluster, sealed to the pusher: written by the portal, readable only where the opening key is."""

    class Kind(models.TextChoices):
        TOKEN = "token", _("Bearer token")
        CLIENT_CERTIFICATE = "client-certificate", _("Client certificate")

    cluster = models.OneToOneField(Cluster, on_delete=models.CASCADE, related_name="credential")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    sealed = models.BinaryField()
    key_id = models.CharField(max_length=40)
    fingerprint = models.CharField(max_length=20, help_text=_("Tells two credentials apart; opens nothing."))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.fingerprint}"


class EnforcementPoint(Identified):
    """One place that enforces: here the in-cluster layer of a cluster, in the dialect that it speaks best."""

    class Layer(models.TextChoices):
        CLUSTER = "cluster", _("In-cluster policy")
        CLOUD = "cloud", _("Cloud")
        PROXY = "proxy", _("Egress proxy")

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="enforcement_points")
    layer = models.CharField(max_length=10, choices=Layer.choices, default=Layer.CLUSTER)
    dialect = models.CharField(max_length=40)
    dialect_version = models.CharField(max_length=40, blank=True)
    found_at = models.DateTimeField()

    objects = EnforcementPointQuerySet.as_manager()

    class Meta:
        ordering = ["cluster__environment__position", "cluster__name", "layer"]
        constraints = [models.UniqueConstraint(fields=["cluster", "layer"], name="enforcement_point_per_layer")]

    def __str__(self) -> str:
        return f"{self.cluster.name}/{self.dialect}"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(dialect=self.dialect, version=self.dialect_version or None)


class Namespace(Identified):
    """A namespace seen on a cluster, with the team that answers for it."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="namespaces")
    name = models.CharField(max_length=63, validators=[LABEL_NAME])
    uid = models.CharField(max_length=64)
    labels = models.JSONField(default=dict)
    workload_count = models.PositiveIntegerField(default=0)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="namespaces")
    found_at = models.DateTimeField(auto_now_add=True)
    gone_at = models.DateTimeField(null=True, blank=True)

    objects = NamespaceQuerySet.as_manager()

    class Meta:
        ordering = ["cluster__name", "name"]
        constraints = [models.UniqueConstraint(fields=["cluster", "name"], name="namespace_once_per_cluster")]
        indexes = [models.Index(fields=["name"], name="namespace_by_name")]

    def __str__(self) -> str:
        return f"{self.cluster.name}/{self.name}"


class Contact(Identified):
    """An errand to a cluster that only the pusher can run: a connection test or an inventory."""

    class Kind(models.TextChoices):
        TEST = "test", _("Connection test")
        INVENTORY = "inventory", _("Inventory")

    class State(models.TextChoices):
        DUE = "due", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="contacts")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(auto_now_add=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True)
    verdict = models.CharField(max_length=500, blank=True, help_text=_("In words for the person who asked."))
    findings = models.JSONField(default=list, help_text=_("One line per thing that was tried: what, result, detail."))

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "kind"], condition=Q(state__in=["due", "running"]), name="contact_open_once"
            )
        ]
        indexes = [models.Index(fields=["state", "lease_until"], name="contact_due")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.cluster.name}"
