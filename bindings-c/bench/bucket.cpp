// The C++ bucket behind a call into a shared library, as a program meets libtidegate.
#include "bucket.hpp"

extern "C" {
DoubleBucket *bucket_new(double rate, double burst) { return new DoubleBucket(rate, burst); }
void bucket_free(DoubleBucket *bucket) { delete bucket; }
bool bucket_try_acquire_at(DoubleBucket *bucket, std::uint64_t now_ns, std::uint64_t cost) { return bucket->try_acquire_at(now_ns, cost); }
}
