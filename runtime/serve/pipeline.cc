#include "runtime/serve/pipeline.h"

#include <algorithm>

namespace omen {
namespace {

constexpr size_t batch_events_for_shards = 2048;  // a round is worth the wake-ups
constexpr size_t due_max = 4096;                  // events of the past that are kept at once for the shards

StreamOrder without_ahead(StreamOrder order) {
  order.max_ahead_us.reset();
  return order;
}

}  // namespace

Pipeline::Pipeline(SharedRules rules, const PipelineOptions& options)
    : rules_(std::move(rules)),
      max_ahead_us_(options.order.max_ahead_us),
      lateness_us_(options.order.lateness_us.value_or(0)),
      shards_(rules_->program, options.limits, options.shards),
      decoder_(rules_->program, {}, options.strict_types ? Declared::strict : Declared::types,
               options.shards > 1 ? batch_events_for_shards : Decoder::batch_events_max),
      reorder_(rules_->program, without_ahead(options.order)) {}

void Pipeline::open(std::string_view lines, int64_t arrival_us) {
  arrival_us_ = arrival_us;
  decoder_.open(lines, {0, 0}, arrival_us);
}

Decoder::Batch Pipeline::next() {
  const Decoder::Batch batch = decoder_.next();
  shards_.prefetch(batch.events);
  return batch;
}

bool Pipeline::is_ahead(const Event& event) const {
  return max_ahead_us_ && event.ts_us > arrival_us_ && event.ts_us - arrival_us_ > *max_ahead_us_;
}

Reorder::Verdict Pipeline::take(Event& event, uint64_t cause) {
  const Reorder::Verdict verdict = reorder_.offer(event);
  if (verdict == Reorder::Verdict::next) shards_.step(event, cause);
  if (verdict == Reorder::Verdict::held) take_due(cause);
  return verdict;
}

void Pipeline::take_due(uint64_t cause) {
  while (const Event* due = reorder_.due(taken_)) {
    shards_.step(*due, cause);
    if (taken_.size() >= due_max) run();
  }
}

void Pipeline::run() {
  shards_.run();
  taken_.clear();
}

void Pipeline::tick(int64_t clock_us, uint64_t cause) {
  reorder_.advance(clock_us);
  take_due(cause);
  shards_.advance(clock_us, cause);
  run();
}

void Pipeline::release_held(uint64_t cause) {
  while (const Event* held = reorder_.rest(taken_)) {
    shards_.step(*held, cause);
    if (taken_.size() >= due_max) run();
  }
  run();
}

void Pipeline::save(std::string& order, std::string& engine) const {
  reorder_.save(order);
  shards_.save(engine);
}

Status Pipeline::load(std::string_view order, std::string_view engine, const Rebuilt& rebuilt,
                      const GivenUp* is_given_up) {
  if (Status loaded = reorder_.load(order, decoder_, is_given_up); !loaded) return loaded;
  const auto loaded = shards_.load(engine, decoder_, rebuilt, is_given_up);
  return loaded ? Status::ok() : Status::error(loaded.message());
}

std::optional<int64_t> Pipeline::next_tick_us() const {
  std::optional<int64_t> next_us = shards_.next_deadline_us();
  if (const std::optional<int64_t> due_us = reorder_.next_due_us()) {
    next_us = next_us ? std::min(*next_us, *due_us) : *due_us;
  }
  if (next_us) *next_us = *next_us > INT64_MAX - lateness_us_ ? INT64_MAX : *next_us + lateness_us_;
  return next_us;
}

}  // namespace omen
