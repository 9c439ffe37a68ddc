"""Engines that come as packages and download nothing."""
