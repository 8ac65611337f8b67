/**
 * @file
 * tidegate.hpp: tidegate.h for C++17. Owners that end what they own, std::chrono, string keys; exceptions for errors, never for "denied".
 *
 * Nothing here decides anything: each member is one call of tidegate.h, where its units, errors and promises stand. Handles move and do not copy;
 * a member that is `const` may be called on one object from any number of threads at once.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef TIDEGATE_HPP
#define TIDEGATE_HPP

#include <string_view>

#include "tidegate.h"
#include "tidegate/concurrency.hpp"
#include "tidegate/keyed.hpp"
#include "tidegate/leases.hpp"
#include "tidegate/limiter.hpp"
#include "tidegate/retries.hpp"
#include "tidegate/values.hpp"

namespace tidegate {

/** The version of the library that runs. */
inline std::string_view version() noexcept { return tidegate_version(); }

}  // namespace tidegate

#endif
