"""What all tables belong to."""

from __future__ import annotations

from sqlalchemy import MetaData

NAMES = {"ck": "ck_%(table_name)s_%(constraint_name)s"}
metadata = MetaData(naming_convention=NAMES)
