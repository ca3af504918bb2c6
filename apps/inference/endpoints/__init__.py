"""OpenAI-compatible endpoints of a team: where they are, what opens them, how hard they may be asked."""
