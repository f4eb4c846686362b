"""Write findings in the output formats: text, JSON, HTML, CSV, SARIF, quickfix."""
