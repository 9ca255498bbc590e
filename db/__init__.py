"""The schema and its statements; one module per aggregate."""
