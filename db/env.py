"""Runs the migrations on the connection that ``dispatcher.ledger.database.migrate`` hands over.

Its transaction holds all of them: a migration that fails leaves the database as it was.
"""

from __future__ import annotations

from alembic import context

from dispatcher.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
