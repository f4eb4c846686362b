"""Compare releases: timelines of messages, differences between two releases, monitoring rules, a log's release."""
