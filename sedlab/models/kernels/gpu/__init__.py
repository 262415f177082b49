"""Kernels in Triton: CUDA devices, and any machine by Triton's interpreter (TRITON_INTERPRET=1)."""
