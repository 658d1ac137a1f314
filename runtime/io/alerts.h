// Alerts: matches -> alert records and bodies of `send`, one JSON object a line, to standard output and to files that
// rules name.
//
// In quiet hours (io/quiet) a delivery waits until the clock of the events has passed them, or the run ends; those that
// wait go out in the order of the ends of their quiet hours, then of their coming. The time of a match decides, so that
// a replay delivers in the same order.
//
// What goes to destinations of other kinds is sent by a service, not by a run over events that may be years old: it is
// counted, and stands on standard output instead, once for each action.
//
// An alert without a destination goes to standard output. There a terminal may want another form than the record: the
// rewrite function makes it. Destinations of kind `file` are appended to.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/action.h"
#include "runtime/io/output.h"
#include "runtime/io/quiet.h"
#include "runtime/io/shards.h"
#include "runtime/io/sink.h"

namespace omen {

// Of one rule.
struct DeliveryCounters {
  uint64_t held_by_quiet = 0;
  uint64_t sent_early = 0;  // of them: max_held was reached
};

class Alerts : public MatchSink {
 public:
  // Appends a record to `out` in the form that standard output shall have.
  using Rewrite = std::function<void(std::string& out, std::string_view record)>;

  Alerts(const Program& program, const Shards& shards, uint32_t max_held, Rewrite rewrite);
  // Opens the files of the destinations that rules use. Before the run.
  Status open();

  // Its records and bodies, a line each.
  void describe(uint32_t shard, const Engine& engine, const Match& match, std::string& out) override;
  void take(const Match& match, std::string_view described) override;
  void pass_time(int64_t clock_us) override { release(clock_us); }
  void end() override { release(INT64_MAX); }
  Status flush() override;
  bool is_closed() const override { return standard_output_.is_closed(); }

  const std::vector<DeliveryCounters>& counters() const { return counters_; }  // by rule
  const std::vector<uint64_t>& unsent() const { return unsent_; }              // deliveries, by destination

 private:
  struct Delivery {
    RuleId rule = 0;
    std::optional<uint32_t> destination;  // none: standard output
    bool is_record = false;
    std::string_view line;
  };
  // One that waits for the end of its quiet hours.
  struct Held {
    Delivery delivery;
    std::string line;
  };
  void act(const Match& match, const ActionProgram& action, std::string_view line);
  void deliver(const Delivery& delivery, int64_t end_us);
  int64_t due_us(const Delivery& delivery, int64_t end_us) const;
  void release(int64_t until_us);
  void write_held(const Held& held);
  void write(const Delivery& delivery);

  const Program& program_;
  std::vector<std::unique_ptr<Actions>> actions_;  // by engine
  struct alignas(64) Key {                         // threads that write beside one another share no line
    std::vector<std::string_view> parts;
  };
  std::vector<Key> keys_;  // likewise, of the match in hand
  Rewrite rewrite_;
  Output standard_output_;
  std::vector<std::unique_ptr<Output>> files_;  // by destination; nothing for those of kind stdout
  const uint32_t max_held_;
  std::vector<std::optional<Quiet>> rule_quiet_, destination_quiet_;
  std::multimap<int64_t, Held> held_;  // by the end of their quiet hours
  std::vector<DeliveryCounters> counters_;
  std::vector<uint64_t> unsent_;
  Status status_ = Status::ok();
};

}  // namespace omen
