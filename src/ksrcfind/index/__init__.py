"""Building an index: parse and link the files of a tree, and write their messages where `search` reads them."""
