// Trade stream: a day of trades made from a seed, in the shape of the stream that papers on complex event recognition
// measure with: ten names bought and sold, a few of them often, some nine trades a second, several in one moment.
#pragma once

#include <cstdint>
#include <string>

namespace omen::bench {

// JSON lines.
std::string make_trades(uint64_t count, uint64_t seed);

}  // namespace omen::bench
