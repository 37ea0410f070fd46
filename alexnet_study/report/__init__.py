"""From run folders to tables, pictures and a page."""
