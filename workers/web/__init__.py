"""The web process: Zoho's webhooks, health for the orchestrator, metrics, and the console."""
