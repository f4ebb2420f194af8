"""Instants, sentences and the database's clock: what SQL itself has no type for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Dialect,
    Float,
    String,
    bindparam,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from dispatcher.i18n import Text, packed, unpacked

Json = JSON(none_as_null=True)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant; a naive time is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no zone: an instant is needed")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Sentence(TypeDecorator[Text]):
    """A reason, kept as a Text, so that it is still read in the reader's language years later."""

    impl = JSON
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)

    def process_bind_param(self, value: Text | None, dialect: Dialect) -> Any:
        return None if value is None else packed(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Text | None:
        found: Text | None = unpacked(value)
        return found


class Remark(TypeDecorator[Text]):
    """Why something was held: a person's own words as they are, the program's as a Sentence."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Text | str | None, dialect: Dialect) -> str | None:
        return json.dumps(packed(value)) if isinstance(value, Text) else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> Text | None:
        if value is None or not value.startswith('{"say"'):
            return None if value is None else Text("{note}", note=value)
        said: Text = unpacked(json.loads(value))
        return said


class _Keys(TypeDecorator[Iterable[int]]):
    """Keys as one value."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind = ARRAY(BigInteger) if dialect.name == "postgresql" else String()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Iterable[int] | None, dialect: Dialect) -> Any:
        keys = list(value or ())
        return keys if dialect.name == "postgresql" else json.dumps(keys)


class among(FunctionElement[bool]):
    """Whether a column is one of the keys that are given as ``ids``.

    They are one value, so that a statement reads alike however many there are: it is spelt once,
    and PostgreSQL need not plan it anew.
    """

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: ColumnElement[int]) -> None:
        super().__init__(column, bindparam("ids", type_=_Keys()))

    def self_group(self, against: Any = None) -> Any:
        """Itself: as a mere function it would be compared with 1 on SQLite, past every index."""
        return self


@compiles(among, "sqlite")
def _among_on_sqlite(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({keys}))"


@compiles(among, "postgresql")
def _among_on_postgresql(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} = ANY ({keys})"


class clock_seconds(FunctionElement[float]):
    """Seconds since 1970 on the database's own clock, the only one that leases know."""

    type = Float()
    inherit_cache = True


@compiles(clock_seconds, "sqlite")
def _on_sqlite(*_args: object, **_options: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(clock_seconds, "postgresql")
def _on_postgresql(*_args: object, **_options: object) -> str:
    return "extract(epoch from clock_timestamp())"
