// Overload: far more than the service takes, for a while, from senders that do not wait for answers.
#pragma once

#include <string>

namespace omen::bench {

// Says each second what was offered, what the sockets took and what the service holds in memory. The exit status:
// 0 when memory stays flat, every alert arrives in the end and the service still answers.
int run_overload(const std::string& omen, const std::string& folder, int seconds);

}  // namespace omen::bench
