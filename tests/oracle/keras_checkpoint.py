"""Writes tests/data/checkpoints/small.weights.h5: two layers as Keras 3 lays them out, one of them compressed.

    /usr/bin/python3 tests/oracle/keras_checkpoint.py
"""
import pathlib

import h5py
import numpy

out = pathlib.Path(__file__).parents[1] / "data" / "checkpoints" / "small.weights.h5"
with h5py.File(out, "w", libver="latest") as file:
    file.attrs["keras_version"] = "3.3.3"
    file["layers/conv2d/vars/0"] = numpy.arange(12, dtype="<f4").reshape(2, 2, 1, 3)
    file["layers/conv2d/vars/1"] = numpy.arange(3, dtype=">f2")
    file.create_dataset("layers/dense/vars/0", data=numpy.arange(40, dtype="<f8").reshape(8, 5), chunks=(3, 5), compression="gzip")
    file["optimizer/vars/0"] = numpy.int64(7)
