"""What was bought: a snapshot that stands still, three status axes with their history, numbers, staff notes.

Every change of status is a compare-and-set with a history row and a fact in the same transaction. Calls `inventory`.
"""
