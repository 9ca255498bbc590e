"""Stand-ins for real services on a laptop: a Zoho Books simulator, embedded servers, and the demo that uses both."""
