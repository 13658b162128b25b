from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("allowlist", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="desirednamespace",
            name="fingerprint",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Hash of what the generation was bumped for; tells a changed scope.",
                max_length=64,
            ),
            preserve_default=False,
        ),
    ]
