"""Scores beyond accuracy, and what they are worth in money. Pure: no Django."""
