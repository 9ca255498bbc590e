"""The doctor: looks at every part of an installation, and names each trouble with its cause and the next step."""
