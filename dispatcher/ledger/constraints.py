"""What the tables are guarded with: values that a column may hold, and when; partial indexes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, ColumnElement, Index


def quoted(values: tuple[str, ...]) -> str:
    """``('a', 'b')``, as SQL lists values."""
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


def one_of(column: str, *values: str) -> CheckConstraint:
    """``column`` holds one of ``values``."""
    return CheckConstraint(f"{column} IN {quoted(values)}", name=column)


def exactly_in(column: str, *states: str) -> CheckConstraint:
    """``column`` is filled in ``states`` and empty in every other."""
    condition = f"({column} IS NOT NULL) = (state IN {quoted(states)})"
    return CheckConstraint(condition, name=f"{column}_exactly")


def partial_index(
    name: str, condition: ColumnElement[bool], *columns: Column[Any], unique: bool = False
) -> None:
    """An index of the rows that hold ``condition`` only: its cost does not grow with the others."""
    Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
