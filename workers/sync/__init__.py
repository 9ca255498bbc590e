"""A run's steps: each claims the run, calls Zoho, writes rows and cursor in one transaction, and sends the next."""
