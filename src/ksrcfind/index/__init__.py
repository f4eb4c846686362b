"""Messages kept so that they are found fast."""
