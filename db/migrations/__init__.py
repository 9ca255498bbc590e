"""The schema's versions: migrate a database (`runner`), and report its version (`revisions`)."""
