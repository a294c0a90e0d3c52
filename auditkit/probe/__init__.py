"""What runs on a host: standard library only, Python >= 3.6; locally in process, elsewhere pushed over SSH."""
