"""Does what is due: brings facts to their consumers, runs jobs and chores, and comes back alone after every failure."""
