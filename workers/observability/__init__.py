"""What a process shows of itself: logs, counters and its state."""
