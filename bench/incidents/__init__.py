"""Labelled incidents, and a judge of how well `ksrcfind batch` finds them."""
