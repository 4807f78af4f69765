"""Errors, as sentences for whoever typed the command."""


class Trouble(Exception):
    """What is wrong, and what to type next. No full stop at the end."""
