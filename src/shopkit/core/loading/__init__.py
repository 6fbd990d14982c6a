"""Fills a store from one documented JSON file, repeatable by key. Stands above all domains; none imports it."""
