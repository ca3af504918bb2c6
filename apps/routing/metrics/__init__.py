"""What an evaluation of routers measures: plain numpy."""
