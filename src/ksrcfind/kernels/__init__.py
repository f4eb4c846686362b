"""Which kernel a banner names, and which commands bring its source. Pure: text in, frozen records out."""
