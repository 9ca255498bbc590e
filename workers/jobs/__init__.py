"""The engine of leased work: it executes jobs and maps errors to outcomes."""
