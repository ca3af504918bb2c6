"""Tryage in miniature: four masked language models, each at home in one kind of text, and a router that
tells from the text alone which of them knows it best.

Source: S. Hari and M. Thomson, "Tryage", 2023 (arXiv 2308.11601). The texts are those found on any machine
with Python; the models are trained here, run as candidates and scored as any others are.
"""
