"""The inbox: what Zoho's webhooks mean, before and after their rows are stored."""
