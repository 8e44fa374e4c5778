"""What is to be decided, and under which standard."""
