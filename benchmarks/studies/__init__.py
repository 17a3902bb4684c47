"""Studies of the toolkit itself: false alarms, overhead, training speed, other programs."""
