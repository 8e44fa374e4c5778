"""Two to four finished runs side by side: what differs, why the figures move, and which villages win or lose."""
