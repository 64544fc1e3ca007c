"""What the tests stand on: real PostgreSQL servers, a real PgBouncer, and the documents as programs."""
