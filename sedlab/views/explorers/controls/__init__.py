"""What panels are made of: a table whose bars and rows can be pressed, a slider with a name, buttons that save."""
