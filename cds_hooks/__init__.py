"""telecode: a CDS Hooks service that suggests the E/M code of a telehealth visit at note sign-off."""

__version__ = "0.1.0"
