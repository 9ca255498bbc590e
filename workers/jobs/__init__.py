"""The engine of workers: how a unit of work ends."""
