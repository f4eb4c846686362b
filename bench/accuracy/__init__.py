"""How often an answer is right: labelled log lines against the calls that printed them. Never run by the tests."""
