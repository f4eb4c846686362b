"""Where source comes from: git repositories, revisions and plain directories."""
