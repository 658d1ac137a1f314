// Pipeline: decoder, stream order and engines of one program as one: lines of events in, matches out.
//
// The service's writer feeds one live; recovery, a changed rule's warm-up and a replay feed others from the log. What
// comes out depends on the lines, their times of arrival and the ticks alone: all of these are in the log.
//
//   open(lines)  then for each batch of next(): for each event take(), in order, then run(); matches() then
//   tick(t)      no event has come, and the clock is t; matches() then
//
// NOT HERE: the log, what comes of matches (outbox_rows), the wall clock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/decode.h"
#include "runtime/core/reorder.h"
#include "runtime/io/shards.h"
#include "runtime/model/limits.h"
#include "runtime/model/program.h"
#include "runtime/model/status.h"
#include "runtime/model/time.h"
#include "runtime/serve/rule_set.h"
#include "runtime/serve/rules_part.h"

namespace omen {

struct PipelineOptions {
  StreamOrder order{{}, us_per_day, {}};  // max_ahead_us counts from the time of arrival here
  Limits limits;
  bool strict_types = false;
  uint32_t shards = 1;  // what comes out does not depend on it, but for limits that are divided (io/shards)
};

class Pipeline {
 public:
  Pipeline(SharedRules rules, const PipelineOptions& options);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // What a table of the program holds from now on; between events, and of each before the first one.
  void set_table(uint32_t table, const std::shared_ptr<const LookupTable>& rows) { shards_.set_table(table, rows); }

  // `lines`: padded by slice_padding; stay where they are until all events are taken. Line numbers count from 0.
  void open(std::string_view lines, int64_t arrival_us);
  Decoder::Batch next();
  int64_t arrival_us() const { return arrival_us_; }
  // Whether the event is further ahead of its arrival than the options allow. Ask before take().
  bool is_ahead(const Event& event) const;
  // `cause`: what matches are to be known by that it completes: the number of its record.
  Reorder::Verdict take(Event& event, uint64_t cause);
  // Before next() is called again.
  void run();
  // The clock passes without an event.
  void tick(int64_t clock_us, uint64_t cause);
  // The clock when the wall clock says so and no events come: the lateness is left to events that are under way.
  int64_t clock_at(int64_t wall_us) const { return wall_us - lateness_us(); }
  // The wall clock at which a tick may make something come true.
  std::optional<int64_t> next_tick_us() const;

  // All that is remembered, as bytes; between events, when the matches are cleared.
  void save(std::string& order, std::string& engine) const;
  // Into a pipeline that has seen nothing. Rules whose state is not in `engine`, because they are new or have changed,
  // take it from `rebuilt`, of a pipeline of the same rules at the same place of the log, or begin now. An error, soon,
  // once `is_given_up`, whoever sets that.
  Status load(std::string_view order, std::string_view engine, const Rebuilt& rebuilt = {},
              const GivenUp* is_given_up = nullptr);

  // Rules of `part` come to their places in the program, and others go, where can_change() allows it; between events,
  // when the matches are cleared, and while nobody else reads the program. The state of the others stays as it is; that
  // of rules which come is in `rebuilt`, of a pipeline of the part at the same place of the log. After an error the
  // pipeline is of no use.
  Status change(const RulesPart& part, std::string_view rebuilt);

  // The order alone, for whoever begins at this place of the log (Reorder::save).
  void save_order(std::string& out, bool is_brief) const { reorder_->save(out, is_brief); }
  Status load_order(std::string_view order) { return reorder_->load(order, *decoder_); }
  // What waits for its time comes at once.
  void release_held(uint64_t cause);

  std::span<const Shards::Raised> matches() const { return shards_.matches(); }
  void clear_matches() { shards_.clear_matches(); }

  const Program& program() const { return rules_->program; }
  const SharedRules& rules() const { return rules_; }
  const Shards& shards() const { return shards_; }
  void free_what_is_over() { shards_.free_what_is_over(); }
  const Decoder& decoder() const { return *decoder_; }
  Reorder& reorder() { return *reorder_; }
  const Reorder& reorder() const { return *reorder_; }

 private:
  void open_decoder();
  void take_due(uint64_t cause);

  const SharedRules rules_;
  const PipelineOptions options_;
  Shards shards_;
  std::optional<Decoder> decoder_;
  std::optional<Reorder> reorder_;

  int64_t lateness_us() const { return options_.order.lateness_us.value_or(0); }

  int64_t arrival_us_ = 0;
  Reorder::Taken taken_;  // given to the shards since run()
};

}  // namespace omen
