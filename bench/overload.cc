#include "bench/overload.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "bench/senders.h"

namespace omen::bench {
namespace {

constexpr double times_too_much = 10;
constexpr size_t batch_events = 1000;
constexpr size_t connections = 200;       // half of them HTTP, a quarter TCP, a quarter Unix lines
constexpr int64_t slack_bytes = 8 << 20;  // a memory that goes up and down by so much, or by a twentieth, is flat
constexpr double slack_share = 0.05;
constexpr double backlog_s_max = 1;  // a sender that is held back makes up for so much; the rest it drops

struct Flow {
  std::atomic<uint64_t> offered = 0;  // events that were due to be sent
  std::atomic<uint64_t> sent = 0;     // of these, those that the sockets took
  std::atomic<uint64_t> refused = 0;  // replies 429 and 503
  std::atomic<uint64_t> closed = 0;   // connections that the service ended
};

// Sends at its pace as long as the socket takes anything; answers are read and forgotten.
void flood(MeasuredService& service, Protocol protocol, size_t connection, double batches_per_s,
           const std::atomic<bool>& is_over, Flow& flow) {
  BatchWriter writer(connection, protocol, batch_events, SIZE_MAX, false);
  const int64_t begin_ns = now_ns();
  const auto backlog_max = static_cast<uint64_t>(batches_per_s * backlog_s_max) + 1;
  uint64_t due = 0, handled = 0;  // batches by the schedule; those sent or given up
  while (!is_over) {
    Link link(address_of(service, protocol));
    HttpAnswers answers;
    std::string_view unsent;
    const auto read = [&] {
      AnswerCounts counts;
      answers.put(link.receive(), counts);
      flow.refused += counts.refused;
    };
    while (!is_over && !link.is_over()) {
      const double elapsed_s = static_cast<double>(now_ns() - begin_ns) / 1e9;
      const auto now_due = static_cast<uint64_t>(elapsed_s * batches_per_s);
      flow.offered += (now_due - due) * batch_events;
      due = now_due;
      if (unsent.empty() && handled == due) {
        if (link.wait(1'000'000)) read();
        continue;
      }
      if (unsent.empty()) {
        handled = due - std::min(due - handled, backlog_max) + 1;
        unsent = writer.write(service.probes(), 0);
      }
      unsent.remove_prefix(link.send_some(unsent));
      if (unsent.empty()) flow.sent += batch_events;
      // Answers are taken off the socket as they come; with the socket full there is nothing else to do.
      if (link.wait(unsent.empty() ? 0 : 10'000'000, !unsent.empty())) read();
    }
    if (!is_over) ++flow.closed;
  }
}

uint64_t median(std::vector<uint64_t> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int run_overload(const std::string& omen, const std::string& folder, int seconds) {
  ServeOptions options;
  options.omen = omen;
  options.folder = folder;
  options.rules = "rule probe { match probe as p alert \"{p.id}\" }\n";
  // The disk must not be what runs over.
  options.arguments = {"--retain-bytes", "300000000", "--snapshot-every", "5s"};
  MeasuredService service(options);
  const Sent taken = send_load(service, {Protocol::tcp_lines, batch_events, 4, 64, 0}, 3);
  const double offered_per_s = taken.events_per_s() * times_too_much;
  fmt::print("takes {:.0f} events/s; is offered {:.0f} for {} s\n\n", taken.events_per_s(), offered_per_s, seconds);
  fmt::print("{:>6}{:>12}{:>12}{:>12}{:>10}{:>8}{:>13}\n", "s", "offered/s", "sent/s", "accepted/s", "refused",
             "closed", "resident MB");

  std::atomic<bool> is_over = false;
  Flow flow;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < connections; ++i) {
    const Protocol protocol = i % 2 == 0 ? Protocol::http : i % 4 == 1 ? Protocol::tcp_lines : Protocol::unix_lines;
    threads.emplace_back([&, i, protocol] {
      flood(service, protocol, i, offered_per_s / static_cast<double>(connections * batch_events), is_over, flow);
    });
  }
  std::vector<uint64_t> resident;
  const int64_t begin_ns = now_ns();
  int64_t before_ns = begin_ns;
  uint64_t offered_before = 0, sent_before = 0, accepted_before = service.accepted_events();
  for (int second = 1; second <= seconds; ++second) {
    sleep_until_ns(begin_ns + second * 1'000'000'000ll);
    if (!service.is_alive()) give_up("the service has ended");
    resident.push_back(service.resident_bytes());
    if (seconds <= 30 || second % (seconds / 20) == 0) {
      const double elapsed_s = static_cast<double>(now_ns() - before_ns) / 1e9;
      const uint64_t offered = flow.offered, sent = flow.sent, accepted = service.accepted_events();
      const auto rate = [&](uint64_t now, uint64_t before) { return static_cast<double>(now - before) / elapsed_s; };
      fmt::print("{:>6}{:>12.0f}{:>12.0f}{:>12.0f}{:>10}{:>8}{:>13.1f}\n", second, rate(offered, offered_before),
                 rate(sent, sent_before), rate(accepted, accepted_before), flow.refused.load(), flow.closed.load(),
                 static_cast<double>(resident.back()) / 1e6);
      offered_before = offered;
      sent_before = sent;
      accepted_before = accepted;
      before_ns = now_ns();
      std::fflush(stdout);
    }
  }
  is_over = true;
  for (std::thread& thread : threads) thread.join();

  // Of what comes after it: answers, and alerts.
  const uint64_t first = service.probes().sent();
  const Sent after = send_load(service, {Protocol::http, 1, 1, 1, 20}, 2);
  const uint64_t missing = service.probes().missing_after(30);
  const auto latencies = service.probes().latencies_since(first);
  const auto third = static_cast<std::ptrdiff_t>(resident.size() / 3);
  const uint64_t middle = median({resident.begin() + third, resident.begin() + 2 * third + 1});
  const uint64_t last = median({resident.end() - third - 1, resident.end()});
  const auto growth = static_cast<int64_t>(last) - static_cast<int64_t>(middle);
  const bool is_flat = growth <= std::max(slack_bytes, static_cast<int64_t>(slack_share * static_cast<double>(middle)));
  fmt::print("\nresident, median of the middle third {:.1f} MB, of the last {:.1f} MB, at most {:.1f} MB: {}\n",
             static_cast<double>(middle) / 1e6, static_cast<double>(last) / 1e6,
             static_cast<double>(*std::ranges::max_element(resident)) / 1e6, is_flat ? "flat" : "NOT FLAT");
  fmt::print("afterwards: {} events accepted, {} alerts missing, median latency {:.1f} ms\n", after.accepted, missing,
             latencies.empty() ? 0 : static_cast<double>(latencies[latencies.size() / 2]) / 1e6);
  return is_flat && missing == 0 && after.accepted > 0 ? 0 : 1;
}

}  // namespace omen::bench
