"""The versions of the schema: `runner` migrates a database, and `revisions` reports its version."""
