"""What stands inside the sandbox, beside the submission: nothing here tells right from wrong."""
