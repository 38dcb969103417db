"""Retrieval: a store of embedded chunks, and search in it."""
