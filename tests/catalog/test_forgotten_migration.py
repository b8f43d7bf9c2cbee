"""A command on a database whose migrations were forgotten says so in a sentence."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from catalog.models import ModelVersion

pytestmark = pytest.mark.django_db


def test_a_table_that_is_missing_is_said_with_the_command_that_makes_it() -> None:
    table = ModelVersion._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{table}" RENAME TO elsewhere')

    with pytest.raises(CommandError, match=r"^The database cannot be used .*`manage.py migrate`"):
        call_command("model_versions", stdout=StringIO(), stderr=StringIO())
