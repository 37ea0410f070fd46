"""The commands in a checkout: python -m jobs.<command>, which is alexnet_study.commands.<command>."""
