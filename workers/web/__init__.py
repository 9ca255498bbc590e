"""The web process: health for the orchestrator; webhooks and the console join it."""
