"""Speed beside what a user would type instead. Never run by the tests."""
