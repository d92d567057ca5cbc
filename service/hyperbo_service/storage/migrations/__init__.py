"""Steps from one schema of the database to the next; Alembic runs them."""
