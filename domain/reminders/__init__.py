"""Whether, when and by which policy a customer is reminded of an open invoice (FR-5, FR-7), and its handover."""
