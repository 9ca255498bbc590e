"""A run's steps: each leases the run, calls Zoho, commits rows and cursor together, and sends the next step."""
