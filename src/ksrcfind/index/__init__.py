"""Building: files are parsed and linked, and their messages written where `search` finds them."""
