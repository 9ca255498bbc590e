"""The tables and the SQL statements over them; one module per aggregate."""
