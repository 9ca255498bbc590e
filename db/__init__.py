"""The schema and the statements over it, one module an aggregate."""
