// Given up: what somebody sets from another thread who no longer wants what is being done, and a long reading looks at
// now and then. The one thing that rooms without threads share with those that have them.
#pragma once

#include <atomic>

namespace omen {

using GivenUp = std::atomic<bool>;

}  // namespace omen
