"""A run's steps. Each step leases the run, calls Zoho, commits rows and cursor together, and sends the next step."""
