"""What the database's role may do where no ledger is seen yet."""

from __future__ import annotations

from sqlalchemy import make_url, text

from dispatcher.errors import DispatcherError
from dispatcher.i18n import _
from dispatcher.ledger.database import create_engine, together

# There is no current schema for a role that may use none.
MAY_BEGIN = "SELECT current_user, coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"


def refuse_powerless_role(url: str) -> None:
    """Refuses a PostgreSQL role that cannot make the ledger's tables; makes none itself."""
    if make_url(url).get_backend_name() == "sqlite":
        return
    engine = create_engine(url)
    with together(engine).begin() as conn:
        role, may = conn.execute(text(MAY_BEGIN)).one()
    engine.dispose()
    if not may:
        raise DispatcherError(
            _("the role '{role}' sees no ledger in the database, and may not begin one: GRANT "
              "USAGE, CREATE ON SCHEMA public TO \"{role}\"; where another role has made the "
              "ledger, use that one", role=role)
        )  # fmt: skip
