## Sample configurations.
