// SimulatedService: the whole service over a simulated disk, its log, snapshots and SQLite, in the thread of the test:
// the disk decides when it dies. And those who send it a stream, which send again what was not acknowledged.
//
//   Sender sender(stream, …);
//   while (!sender.is_done()) {  // a life each
//     omen.disk.stop_at(…);
//     omen.live(rules, sender);
//     omen.disk.power_cut();
//   }
//
// A stream is far in the future, so that the clock of the wall never moves the stream's: what comes of it does not
// depend on when it is fed.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "runtime/serve/service.h"
#include "tests/support/simulated_disk.h"
#include "tests/support/simulated_vfs.h"

namespace omen {

// Events of a few users with ids; every kind of rule below finds something in them.
std::vector<std::string> make_stream(uint64_t seed, size_t count);
// A rule for each event, a sequence, an absence, a loop, a derived event and a measure. `variant` 1 has one more that
// nothing ever fits: to change from one to the other changes no alert.
RuleSet stream_rules(int variant);

class Sender {
 public:
  struct Manner {
    size_t batch_max = 8;
    size_t ahead_max = 3;         // batches that wait for their acknowledgement
    bool waits_for_room = false;  // after a refusal: until the service says that it has room
  };
  Sender(std::vector<std::string> events, uint64_t seed, const Manner& manner)
      : events_(std::move(events)), random_(seed), manner_(manner) {}

  // A new life: what is not acknowledged is sent again.
  void begin(Service& service);
  // What the service says of its disk.
  void note_full() { is_ready_ = false; }
  void note_room();
  bool is_done() const { return acknowledged_ == events_.size(); }
  size_t acknowledged() const { return acknowledged_; }  // events
  uint64_t refused() const { return refused_; }
  // Something that no answer should be; empty: nothing.
  const std::string& problem() const { return problem_; }
  // Called by the writer's thread when all is acknowledged; when it is empty, the service is stopped.
  std::function<void(Service&)> when_done;
  std::function<void()> when_answered;  // by the same, before each answer is looked at

 private:
  void offer();
  void end();
  void take_answer(size_t first, std::span<const EventOutcome> outcomes);

  std::vector<std::string> events_;
  std::mt19937_64 random_;
  Manner manner_;
  Service* service_ = nullptr;
  size_t acknowledged_ = 0, next_ = 0, ahead_ = 0;
  bool is_waiting_ = false, is_ready_ = true;
  uint64_t refused_ = 0;
  std::string problem_;
};

struct SimulatedService {
  explicit SimulatedService(uint64_t seed) : disk(seed), vfs(disk) {}

  // Small segments, many snapshots, and nothing is delivered.
  ServiceOptions options() const;
  // Opens, feeds and runs until all is acknowledged, or it ends by an error: that one.
  Status live(ServiceOptions options, const RuleSet& rules, Sender& sender);
  // What is in the outbox, in its order: a line a row, without what depends on when it was.
  Result<std::vector<std::string>> rows();

  SimulatedDisk disk;
  SimulatedVfs vfs;
  std::vector<std::string> said;            // in the last life
  ServiceView view;                         // at its end
  std::function<void(Service&)> when_room;  // when it says that there is room again
  std::function<void(Service&)> when_full;  // when it says that there is none
};

// Rows of a service that nothing has disturbed: of make_stream(9, undisturbed_events) under stream_rules(0).
inline constexpr size_t undisturbed_events = 120;
const std::vector<std::string>& undisturbed_rows();

}  // namespace omen
