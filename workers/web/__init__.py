"""The web process: it receives Zoho's webhooks, and serves health checks, metrics, and the console."""
