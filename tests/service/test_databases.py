"""The PostgreSQL that other tests run on."""

import psycopg

from tests.service.databases import PostgresServer


def test_a_database_is_empty_and_ones_own(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    """What one database holds, the next one does not."""
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE t (x int)")
    other = postgres_server.create()
    with psycopg.connect(other) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchone()
    postgres_server.drop(other)

    assert tables == (0,)
