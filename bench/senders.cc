#include "bench/senders.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <thread>

#include "bench/events.h"

namespace omen::bench {
namespace {

constexpr size_t pool_events = 20'000;
constexpr uint32_t users = 1'000'000;

struct Pooled {
  std::string text;
  size_t id, user;  // where their digits begin
};

const std::vector<Pooled>& pool() {
  static const std::vector<Pooled> events = [] {
    std::vector<Pooled> out;
    for (std::string& text : make_events(pool_events, {.users = users})) {
      const size_t id = text.find("\"id\":\"e") + 7, user = text.find("\"user_id\":\"u") + 12;
      out.push_back({std::move(text), id, user});
    }
    return out;
  }();
  return events;
}

void put_digits(char* to, size_t digits, uint64_t number) {
  for (size_t i = digits; i-- > 0; number /= 10) to[i] = static_cast<char>('0' + number % 10);
}

struct Tally {
  AnswerCounts counts;
  uint64_t batches = 0;
};

// One connection until the end, and then until all is answered.
template <typename Answers>
Tally send_on(MeasuredService& service, const Shape& shape, size_t connection, int64_t begin_ns, int64_t end_ns) {
  Link link(address_of(service, shape.protocol));
  if (shape.protocol != Protocol::http) link.send("{\"omen\":{\"ack\":true}}\n");
  BatchWriter writer(connection, shape.protocol, shape.batch, 100, shape.batches_per_s > 0);
  Answers answers;
  Tally tally;
  const auto unanswered = [&]() -> uint64_t {
    if (shape.protocol == Protocol::http) return tally.batches - tally.counts.answers;
    return tally.batches - tally.counts.accepted / shape.batch;
  };
  const double period_ns =
      shape.batches_per_s > 0 ? 1e9 * static_cast<double>(shape.connections) / shape.batches_per_s : 0;
  const double offset_ns = period_ns * static_cast<double>(connection) / static_cast<double>(shape.connections);
  for (;;) {
    const int64_t now = now_ns();
    const int64_t due_ns = begin_ns + static_cast<int64_t>(offset_ns + period_ns * static_cast<double>(tally.batches));
    const bool is_over = shape.batches_per_s > 0 ? due_ns >= end_ns : now >= end_ns;
    if (is_over && unanswered() == 0) return tally;
    if (!is_over && unanswered() < shape.depth && (shape.batches_per_s == 0 || due_ns <= now)) {
      if (!link.send(writer.write(service.probes(), shape.batches_per_s > 0 ? due_ns : now))) break;
      ++tally.batches;
      continue;
    }
    // Something to wait for: an answer, or the time of the next batch.
    const bool waits_for_time = !is_over && unanswered() < shape.depth;
    if (!link.wait(waits_for_time ? due_ns - now : 10'000'000'000)) {
      if (waits_for_time) continue;
      give_up(fmt::format("no answer over {} within 10 s", name_of(shape.protocol)));
    }
    answers.put(link.receive(), tally.counts);
    if (link.is_over()) break;
  }
  give_up(fmt::format("the service has hung up on {}: {}", name_of(shape.protocol), tally.counts.problem));
}

}  // namespace

const char* name_of(Protocol protocol) {
  return protocol == Protocol::http ? "http" : protocol == Protocol::tcp_lines ? "tcp lines" : "unix lines";
}

const std::string& address_of(const MeasuredService& service, Protocol protocol) {
  return protocol == Protocol::http        ? service.http()
         : protocol == Protocol::tcp_lines ? service.tcp_lines()
                                           : service.unix_lines();
}

BatchWriter::BatchWriter(size_t connection, Protocol protocol, size_t batch, size_t probe_every, bool probes_each)
    : connection_(connection),
      batch_(batch),
      probe_every_(probe_every),
      protocol_(protocol),
      probes_each_(probes_each),
      count_(connection * 997),  // so that the connections' probes do not go out all at once
      random_(connection * 7919 + 1) {}

const std::string& BatchWriter::write(Probes& probes, int64_t at_ns) {
  lines_.clear();
  for (size_t i = 0; i < batch_; ++i) {
    ++count_;
    if (count_ % probe_every_ == 0 || (probes_each_ && i + 1 == batch_)) {
      fmt::format_to(std::back_inserter(lines_),
                     R"({{"type":"probe","id":"p{:09}","user_id":"u{:07}","session":"s00000000","amount":250.00,)"
                     R"("product_id":12345,"country":"DE","page":"/p/1234","device":"mobile","ok":true}})"
                     "\n",
                     probes.send(at_ns), count_ % users);
      continue;
    }
    const Pooled& event = pool()[count_ % pool_events];
    const size_t at = lines_.size();
    lines_ += event.text;
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    put_digits(lines_.data() + at + event.id, 2, connection_);
    put_digits(lines_.data() + at + event.id + 2, 7, count_);
    put_digits(lines_.data() + at + event.user, 7, (random_ >> 33) % users);
  }
  if (protocol_ != Protocol::http) return lines_;
  out_ = fmt::format(
      "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nPrefer: return=minimal\r\n"
      "Content-Length: {}\r\n\r\n",
      lines_.size());
  out_ += lines_;
  return out_;
}

Sent send_load(MeasuredService& service, const Shape& shape, double seconds) {
  pool();
  const int64_t begin_ns = now_ns(), end_ns = begin_ns + static_cast<int64_t>(seconds * 1e9);
  std::vector<Tally> tallies(shape.connections);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < shape.connections; ++i) {
    threads.emplace_back([&, i] {
      tallies[i] = shape.protocol == Protocol::http ? send_on<HttpAnswers>(service, shape, i, begin_ns, end_ns)
                                                    : send_on<LineAnswers>(service, shape, i, begin_ns, end_ns);
    });
  }
  for (std::thread& thread : threads) thread.join();
  Sent sent;
  sent.seconds = static_cast<double>(now_ns() - begin_ns) / 1e9;
  for (const Tally& tally : tallies) {
    if (tally.counts.others > 0) give_up("an answer that was not expected: " + tally.counts.problem);
    sent.accepted += tally.counts.accepted;
    sent.refused += tally.counts.refused;
  }
  return sent;
}

}  // namespace omen::bench
