from celery.signals import task_postrun, task_prerun
from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "ledger"

    def ready(self) -> None:
        from accounts import trail
        from ledger import origin, services

        trail.set_recorder(services.record)
        # Celery runs one task at a time in a process: what it writes comes from a task.
        task_prerun.connect(origin.enter_task, dispatch_uid="ledger-origin-enter")
        task_postrun.connect(origin.leave_task, dispatch_uid="ledger-origin-leave")
