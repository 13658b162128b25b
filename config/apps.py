from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Sallyport"

    def ready(self) -> None:
        from config import checks  # noqa: F401  registers the deployment checks
