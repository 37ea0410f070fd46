"""What is generated in the documents."""
