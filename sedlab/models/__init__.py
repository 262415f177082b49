"""The networks and nothing else, tensors in, tensors out: `detector` joins the parts, the other files are its parts."""
