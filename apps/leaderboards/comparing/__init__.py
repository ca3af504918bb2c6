"""Comparisons of two to six models of a board's dataset version: numbers, items, words, page."""
