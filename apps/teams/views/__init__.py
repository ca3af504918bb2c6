"""Pages of this room: the team's settings, one's own account, and the doors in."""
