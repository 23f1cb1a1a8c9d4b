"""Choices that a key goes through, round and round."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

Choice = TypeVar("Choice", bound=StrEnum)


def following(choice: Choice) -> Choice:
    """Return the choice after one, in the order of their definition; after the last, the first."""
    order = list(type(choice))
    return order[(order.index(choice) + 1) % len(order)]
