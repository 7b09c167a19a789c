"""What `toolkit flask prove` runs inside the application's own Python: standard library and Flask.

It is copied beside the application's copy under a name of its own and imports nothing else of the
toolkit, which the application's environment need not have. Python 3.9 or newer.
"""
