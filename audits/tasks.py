"""Wake-ups. Each finds its work in the rows; running one twice changes nothing."""

from celery import shared_task

from audits import services


@shared_task
def ensure_campaign() -> None:
    services.ensure_campaign()


@shared_task
def remind_and_close() -> None:
    services.remind()
    services.close_overdue()
    services.carry_out()
