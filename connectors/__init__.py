"""The only code that talks to the outside. No Django here, and one address policy judges every connection."""
