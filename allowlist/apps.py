from django.apps import AppConfig


class AllowlistConfig(AppConfig):
    name = "allowlist"
