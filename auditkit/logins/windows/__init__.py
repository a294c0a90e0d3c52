"""Event logs of Windows, however they come: as .evtx, or as the XML that wevtutil and the Event Viewer export."""
