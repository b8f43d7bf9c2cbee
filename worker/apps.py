from django.apps import AppConfig


class WorkerConfig(AppConfig):
    """An app without tables: it brings the commands and tasks that join catalog and classifier."""

    name = "worker"
    verbose_name = "Worker"
