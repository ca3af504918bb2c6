"""Routers, one published method a file: plain numpy, scikit-learn and torch."""
