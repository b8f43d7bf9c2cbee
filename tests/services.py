"""Fixtures for the real things: Redis, PostgreSQL, Chromium, and a whole running site."""
