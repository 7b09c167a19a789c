"""`toolkit flask prove`: a copy of the application raises in every situation; what came is told."""
