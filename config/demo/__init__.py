"""The demonstration: people, teams, practice clusters and a story, all made by the services that the pages use."""
