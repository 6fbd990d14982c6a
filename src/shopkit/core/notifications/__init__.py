"""Tells people what happened: listens to facts, writes mail, sends it. No domain imports it.

A message is a row per fact, channel and recipient, and leaves at least once, with the same Message-ID each time. Its
text is written when it is sent. Calls orders and settings.
"""
