"""Making accounts: a role, and for merchants whom they upload for."""

from __future__ import annotations

import secrets

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from .errors import NotAllowed
from .models import Merchant, Role, User

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without what is easily misread
GROUPS = 4
GROUP_LENGTH = 4


def random_password() -> str:
    """Easy to type, 79 bits: `k3wq-r8md-…`."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
    return "-".join(groups)


@transaction.atomic
def create(name: str, role: Role, *, password: str, merchant: str = "") -> User:
    """A new account; NotAllowed when the name is taken or the password too weak. A
    merchant's account belongs to the merchant called `merchant` (else `name`), made if missing."""
    if merchant and role != Role.MERCHANT:
        raise NotAllowed(f"A {role} belongs to no merchant; leave --merchant out.")
    user = User(username=name, role=role, is_staff=role == Role.MANAGER)
    try:
        User.username_validator(name)
        User._meta.get_field("username").run_validators(name)
        validate_password(password, user)
    except ValidationError as error:
        raise NotAllowed(" ".join(error.messages)) from error
    if User.objects.filter(username__iexact=name).exists():
        raise NotAllowed(f"There is already an account called {name}; choose another name.")
    if role == Role.MERCHANT:
        user.merchant = Merchant.objects.get_or_create(name=merchant or name)[0]
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise NotAllowed(f"There is already an account called {name}.") from error
    return user
