"""Who boots what: a client, the site's branches, a decision, and the bytes that it becomes."""
