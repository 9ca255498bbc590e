"""A laptop's stand-ins: a Zoho Books simulator, embedded servers, and the demo that joins them."""
