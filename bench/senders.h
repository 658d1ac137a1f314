// Senders: what sends the load. A thread a connection, each with batches of its own.
//
//   closed loop   a batch goes out as soon as fewer than `depth` are unanswered: what the service can take
//   paced         a batch goes out at its time. A probe's time counts from when it was due, not from when it could be
//                 sent: a service that stalls is not spared the events that it has kept from being sent
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/measured_service.h"

namespace omen::bench {

enum class Protocol : uint8_t { http, tcp_lines, unix_lines };
const char* name_of(Protocol protocol);

// Writes batches: the pool's events, each with an id of its own and another user, and the probes among them.
class BatchWriter {
 public:
  // Every `probe_every`th event is a probe, and so is the last of each batch when `probes_each`.
  BatchWriter(size_t connection, Protocol protocol, size_t batch, size_t probe_every, bool probes_each);
  // Of probes that are sent at that moment. Stays until the next call.
  const std::string& write(Probes& probes, int64_t at_ns);
  size_t batch() const { return batch_; }

 private:
  const size_t connection_, batch_, probe_every_;
  const Protocol protocol_;
  const bool probes_each_;
  uint64_t count_ = 0;
  uint64_t random_;
  std::string lines_, out_;
};

struct Shape {
  Protocol protocol = Protocol::http;
  size_t batch = 1;
  size_t connections = 1;
  size_t depth = 1;          // batches of a connection that may be unanswered
  double batches_per_s = 0;  // of all connections; 0: closed loop
};

struct Sent {
  uint64_t accepted = 0, refused = 0;  // events, replies
  double seconds = 0;                  // until the last was answered
  double events_per_s() const { return seconds > 0 ? static_cast<double>(accepted) / seconds : 0; }
};

// Ends the bench when anything is answered but "accepted" or "come again".
Sent send_load(MeasuredService& service, const Shape& shape, double seconds);

const std::string& address_of(const MeasuredService& service, Protocol protocol);

}  // namespace omen::bench
