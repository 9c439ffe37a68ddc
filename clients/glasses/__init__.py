"""Captions on glasses: a thin client that fits any display.

    messages → reader → layout → pacer → driver

Begin with `pacer.py`; docs/glasses.md has the devices and how to write a driver.
"""
