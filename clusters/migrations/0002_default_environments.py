"""The three stages that nearly everybody has; more can be added, and these renamed."""

from django.db import migrations

STAGES = [
    ("development", "Development", "non-production", 10),
    ("staging", "Staging", "non-production", 20),
    ("production", "Production", "production", 30),
]


def add_stages(apps, schema_editor):
    environment = apps.get_model("clusters", "Environment")
    for slug, name, tier, position in STAGES:
        environment.objects.get_or_create(slug=slug, defaults={"name": name, "tier": tier, "position": position})


def remove_unused_stages(apps, schema_editor):
    environment = apps.get_model("clusters", "Environment")
    environment.objects.filter(slug__in=[slug for slug, *_ in STAGES], clusters=None).delete()


class Migration(migrations.Migration):
    dependencies = [("clusters", "0001_initial")]

    operations = [migrations.RunPython(add_stages, remove_unused_stages)]
