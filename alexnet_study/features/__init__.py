"""Pure functions and estimators of feature arrays."""
