"""Models in folders, on this machine's processor. Needs the extra `local`."""
