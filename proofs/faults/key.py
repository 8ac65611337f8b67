"""A key that is said to be longer than its memory: whoever watches memory must see the extension read beyond it, as tests/faults/key.c of the C library."""

import ctypes
import sys

import tidegate

limiter = tidegate.KeyedLimiter("1/s")
key = "k" * 4096
# CPython keeps a text of ASCII as its reference count, its type, its length, its hash, its form, and then the text.
length = ctypes.c_ssize_t.from_address(id(key) + 2 * ctypes.sizeof(ctypes.c_void_p))
assert length.value == len(key), "this is not CPython"
length.value += 64
limiter.try_acquire(key)
length.value -= 64
sys.exit("nobody saw it")
