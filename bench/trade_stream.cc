#include "bench/trade_stream.h"

#include <fmt/format.h>

#include <iterator>
#include <random>

#include "runtime/model/time.h"

namespace omen::bench {
namespace {

struct Share {
  const char *side, *name;
  uint64_t of_10_000;
};
constexpr Share shares[] = {{"BUY", "IPIX", 1056}, {"SELL", "IPIX", 974}, {"BUY", "QQQ", 662},   {"SELL", "QQQ", 639},
                            {"SELL", "INTC", 604}, {"BUY", "INTC", 578},  {"SELL", "MSFT", 558}, {"BUY", "MSFT", 481},
                            {"SELL", "CSCO", 466}, {"BUY", "CSCO", 457},  {"BUY", "RIMM", 392},  {"SELL", "ORCL", 389},
                            {"SELL", "AMAT", 383}, {"BUY", "AMAT", 379},  {"SELL", "RIMM", 372}, {"BUY", "DELL", 368},
                            {"BUY", "ORCL", 342},  {"SELL", "DELL", 328}, {"SELL", "YHOO", 290}, {"BUY", "YHOO", 282}};

}  // namespace

std::string make_trades(uint64_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](uint64_t bound) { return random() % bound; };
  std::string out;
  int64_t time_us = 1'767'605'400'000'000;
  for (uint64_t i = 0; i < count; ++i) {
    if (below(4) != 0) time_us += static_cast<int64_t>(below(300)) * 1000;
    uint64_t at = below(10'000);
    const Share* share = shares;
    while (at >= share->of_10_000) at -= (share++)->of_10_000;
    fmt::format_to(std::back_inserter(out), R"({{"type":"{}","ts":")", share->side);
    append_rfc3339(out, time_us);
    fmt::format_to(std::back_inserter(out), R"(","id":"{}","name":"{}","volume":{},"price":{:.2f}}})", 8 + i * 5,
                   share->name, 10 * (1 + below(100)), 12 + static_cast<double>(below(10'000)) / 100);
    out += '\n';
  }
  return out;
}

}  // namespace omen::bench
