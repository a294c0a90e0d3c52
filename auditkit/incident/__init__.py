"""The record of an incident on disk: cases, their journals, their evidence, seals and archives."""
