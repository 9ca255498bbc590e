"""`make matrix`: a whole sync on each supported combination of Postgres, Redis or Valkey, pooler and Python."""
