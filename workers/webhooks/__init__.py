"""The inbox: what Zoho's webhooks say, before and after their events are stored."""
