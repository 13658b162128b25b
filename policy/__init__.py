"""The language of egress: destinations, compilers, simulation and risk. Pure Python: no framework, no clock."""
