"""`sedlab review`: what people decided in the workbench, as tables and numbers; a command a file."""
