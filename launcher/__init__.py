"""Installs the product into .venv and runs it on one machine.

Everything but `supervisor` and `demo` is standard library only, because it runs before there is a
.venv. Nothing here imports Django, Celery, `catalog`, `classifier` or `worker`.
"""
