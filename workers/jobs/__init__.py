"""The engine of leased work: executes jobs and maps errors to outcomes."""
