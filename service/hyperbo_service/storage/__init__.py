"""Storage: the contract of a store, and the one on SQLite and PostgreSQL."""

from hyperbo_service.storage.base import (
    Condition,
    CurvePoint,
    Outcome,
    Reader,
    Store,
    Token,
    Writer,
)

__all__ = [
    "Condition",
    "CurvePoint",
    "Outcome",
    "Reader",
    "Store",
    "Token",
    "Writer",
]
