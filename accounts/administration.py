"""The admin site: for looking only, opened by role, without a sign-in door of its own."""

from django.contrib.admin.apps import AdminConfig


class AdministrationConfig(AdminConfig):
    """Takes the place of ``django.contrib.admin`` among the installed applications."""

    default = False
    default_site = "accounts.admin_site.ReadOnlySite"
