"""The language server: shows answers in an editor, in logs and in the C files of a kernel tree."""
