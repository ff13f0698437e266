"""How cells reach the terminal: driver, difference of screens, escape sequences, hanging up.

Imports no other room of the console.
"""
