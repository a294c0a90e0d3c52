"""policy -> host -> scan -> entries -> baseline -> compare -> changes -> explain -> findings -> report."""

__version__ = "0.1.0"
__without__: tuple[str, ...] = ()
"""What this copy has to do without, and what each costs: set by whoever starts it where compiled parts cannot be loaded
(.packaging/zipapp), before anything else is imported. Every report and --version tell of it."""
