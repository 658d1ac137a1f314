#include "runtime/serve/pipeline.h"

#include <algorithm>

namespace omen {
namespace {

StreamOrder without_ahead(StreamOrder order) {
  order.max_ahead_us.reset();
  return order;
}

}  // namespace

Pipeline::Pipeline(SharedRules rules, const PipelineOptions& options)
    : rules_(std::move(rules)),
      max_ahead_us_(options.order.max_ahead_us),
      lateness_us_(options.order.lateness_us.value_or(0)),
      engine_(rules_->program, options.limits),
      decoder_(rules_->program, {}, options.strict_types ? Declared::strict : Declared::types),
      reorder_(rules_->program, without_ahead(options.order)),
      tables_(rules_->program) {}

void Pipeline::open(std::string_view lines, int64_t arrival_us) {
  arrival_us_ = arrival_us;
  decoder_.open(lines, {0, 0}, arrival_us);
}

Decoder::Batch Pipeline::next() {
  const Decoder::Batch batch = decoder_.next();
  engine_.prefetch(batch.events);
  return batch;
}

bool Pipeline::is_ahead(const Event& event) const {
  return max_ahead_us_ && event.ts_us > arrival_us_ && event.ts_us - arrival_us_ > *max_ahead_us_;
}

Reorder::Verdict Pipeline::take(Event& event) {
  const Reorder::Verdict verdict = reorder_.offer(event);
  if (verdict == Reorder::Verdict::next) engine_.step(event);
  if (verdict == Reorder::Verdict::held) {
    while (const Event* due = reorder_.due()) engine_.step(*due);
  }
  return verdict;
}

void Pipeline::tick(int64_t clock_us) {
  reorder_.advance(clock_us);
  while (const Event* due = reorder_.due()) engine_.step(*due);
  engine_.advance(clock_us);
}

void Pipeline::save(std::string& order, std::string& engine) const {
  reorder_.save(order);
  engine_.save(engine);
}

Status Pipeline::load(std::string_view order, std::string_view engine, std::string_view rebuilt) {
  if (Status loaded = reorder_.load(order, decoder_); !loaded) return loaded;
  const auto loaded = engine_.load(engine, decoder_, rebuilt);
  return loaded ? Status::ok() : Status::error(loaded.message());
}

std::optional<int64_t> Pipeline::next_tick_us() const {
  std::optional<int64_t> next_us = engine_.next_deadline_us();
  if (const std::optional<int64_t> due_us = reorder_.next_due_us()) {
    next_us = next_us ? std::min(*next_us, *due_us) : *due_us;
  }
  if (next_us) *next_us = *next_us > INT64_MAX - lateness_us_ ? INT64_MAX : *next_us + lateness_us_;
  return next_us;
}

}  // namespace omen
