"""API of this room. Reads begin at what is visible; writes go through the services."""
