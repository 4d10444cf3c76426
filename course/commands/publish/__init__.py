"""Lessons as pages: executed in a kernel of their own, and written as one HTML file each."""
