"""Benchmarks: `python -m benchmarks.NAME [--json]`. Each prints a table; with `--json` the last
line is one JSON object. docs/benchmarks.md quotes them."""
