"""The script that draws the built-in styles: brushes, noise, and one function per picture."""
