// A million keys: `many_keys` is in keys.cpp.
#pragma once

#include "contest.hpp"

void many_keys(Contest &contest);
