"""What becomes files: tables, pictures, sections, and the page that shows them."""
