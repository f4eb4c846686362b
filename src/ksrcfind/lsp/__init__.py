"""The language server: answers under the cursor, in logs and in the tree's C files."""
