"""What comes with sedlab beside its code, notebooks and pages: where it is, and how it comes into a person's folder."""
