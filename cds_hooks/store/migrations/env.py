"""Runs a migration on the connection that the service hands over."""

from alembic import context

from cds_hooks.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
