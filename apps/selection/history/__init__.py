"""Replay my history: what each method would have needed on labels that are there already.

The Django side of `apps.selection.replay`: a `Replay` and its job, its pages, API and files.
"""
