#include "runtime/serve/pipeline.h"

#include <algorithm>
#include <vector>

#include "runtime/model/link.h"

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
    : rules_(std::move(rules)), options_(options), shards_(rules_->program, options.limits, options.shards) {
  open_decoder();
  reorder_.emplace(rules_->program, without_ahead(options.order));
}

void Pipeline::open_decoder() {
  decoder_.emplace(rules_->program, Envelope(), options_.strict_types ? Declared::strict : Declared::types,
                   options_.shards > 1 ? batch_events_for_shards : Decoder::batch_events_max);
}

void Pipeline::open(std::string_view lines, int64_t arrival_us) {
  arrival_us_ = arrival_us;
  decoder_->open(lines, {0, 0}, arrival_us);
}

Decoder::Batch Pipeline::next() {
  const Decoder::Batch batch = decoder_->next();
  shards_.prefetch(batch.events);
  return batch;
}

bool Pipeline::is_ahead(const Event& event) const {
  const std::optional<int64_t> max_ahead_us = options_.order.max_ahead_us;
  return max_ahead_us && event.ts_us > arrival_us_ && event.ts_us - arrival_us_ > *max_ahead_us;
}

Reorder::Verdict Pipeline::take(Event& event, uint64_t cause) {
  const Reorder::Verdict verdict = reorder_->offer(event);
  if (verdict == Reorder::Verdict::next) shards_.step(event, cause);
  if (verdict == Reorder::Verdict::held) take_due(cause);
  return verdict;
}

void Pipeline::take_due(uint64_t cause) {
  while (const Event* due = reorder_->due(taken_)) {
    shards_.step(*due, cause);
    if (taken_.size() >= due_max) run();
  }
}

void Pipeline::run() {
  shards_.run();
  taken_.clear();
}

void Pipeline::tick(int64_t clock_us, uint64_t cause) {
  reorder_->advance(clock_us);
  take_due(cause);
  shards_.advance(clock_us, cause);
  run();
}

void Pipeline::release_held(uint64_t cause) {
  while (const Event* held = reorder_->rest(taken_)) {
    shards_.step(*held, cause);
    if (taken_.size() >= due_max) run();
  }
  run();
}

void Pipeline::save(std::string& order, std::string& engine) const {
  reorder_->save(order);
  shards_.save(engine);
}

Status Pipeline::load(std::string_view order, std::string_view engine, const Rebuilt& rebuilt,
                      const GivenUp* is_given_up) {
  if (Status loaded = reorder_->load(order, *decoder_, is_given_up); !loaded) return loaded;
  const auto loaded = shards_.load(engine, *decoder_, rebuilt, is_given_up);
  return loaded ? Status::ok() : Status::error(loaded.message());
}

Status Pipeline::change(const RulesPart& part, std::string_view rebuilt) {
  auto& rules = const_cast<CompiledRules&>(*rules_);  // which it is the only one to have
  std::vector<RuleId> gone = part.emptied, come;
  for (const RulePlace& place : part.places) {
    if (!place.goes_on && place.id < rules.program.rules.size()) gone.push_back(place.id);
    if (!place.goes_on) come.push_back(place.id);
  }
  shards_.let_go(gone);
  for (const RuleId id : gone) rules.file_of_rule.erase(rules.program.rules[id].name);
  for (const RuleId id : part.emptied) empty_place(rules.program.rules[id]);
  const bool decodes_otherwise = link(rules.program, part.rules->program, part.places);
  for (const auto& [rule, file] : part.rules->file_of_rule) rules.file_of_rule.insert_or_assign(rule, file);
  if (decodes_otherwise) {
    std::string order;  // what is held has been decoded as it was
    reorder_->save(order);
    open_decoder();
    reorder_.emplace(rules.program, without_ahead(options_.order));
    if (Status loaded = reorder_->load(order, *decoder_); !loaded) return loaded;
  }
  return shards_.take_on(come, rebuilt, *decoder_);
}

std::optional<int64_t> Pipeline::next_tick_us() const {
  std::optional<int64_t> next_us = shards_.next_deadline_us();
  if (const std::optional<int64_t> due_us = reorder_->next_due_us()) {
    next_us = next_us ? std::min(*next_us, *due_us) : *due_us;
  }
  if (next_us) *next_us = *next_us > INT64_MAX - lateness_us() ? INT64_MAX : *next_us + lateness_us();
  return next_us;
}

}  // namespace omen
