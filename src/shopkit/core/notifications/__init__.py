"""Tells people what happened: listens to facts, writes mail, sends it. No domain imports it."""
