"""For tests of what several people do at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import Any


def slowly(step: Callable[..., Any], done: Event) -> Callable[..., Any]:
    """`step`, said to be done, and then time for others to come to where they must wait."""

    def act(*arguments: Any, **named: Any) -> Any:
        result = step(*arguments, **named)
        done.set()
        time.sleep(0.3)
        return result

    return act
