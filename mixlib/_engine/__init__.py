"""How points are held and added up: data, threads, scratch memory, reductions, coordinates, bounds.

The mathematics of the book is one level up, in `em`, `estep`, `mstep` and `covariance`; it can
be read without this package. Nothing here is part of the public interface.
"""
