"""policy -> host -> scan -> entries -> baseline -> compare -> changes -> explain -> findings -> report."""

__version__ = "0.1.0"
