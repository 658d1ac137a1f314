#include "runtime/outbox/outbox.h"

#include <algorithm>
#include <cstdlib>

#include "runtime/outbox/retry.h"

namespace omen {
namespace {

constexpr uint64_t waiting_max_default = 100'000;

std::string option_of(const DestinationProgram& program, std::string_view name) {
  for (const auto& [option, value] : program.options) {
    if (option == name) return value;
  }
  return {};
}

}  // namespace

Outbox::Outbox(Store& store, Delivery& delivery, uint64_t seed) : store_(store), delivery_(delivery), random_(seed) {
  lines_[""].waiting_max = waiting_max_default;
  refresh();
}

Status Outbox::load(const Program& program) {
  if (Status status = delivery_.set_destinations(program.destinations); !status) return status;
  std::map<std::string, Line> lines;
  lines[""].waiting_max = waiting_max_default;
  for (const DestinationProgram& destination : program.destinations) {
    Line& line = lines[destination.name];
    if (destination.quiet) line.quiet.emplace(*destination.quiet);
    const std::string most = option_of(destination, "max_waiting");
    line.waiting_max = most.empty() ? waiting_max_default : std::strtoull(most.c_str(), nullptr, 10);
    line.drops_at_cap = option_of(destination, "when_full") == "dead_letter";
  }
  // What delivery has of a destination that is gone comes back too, and finds its line gone.
  for (auto& [name, line] : lines) {
    const auto known = lines_.find(name);
    if (known != lines_.end()) line.in_flight = std::move(known->second.in_flight);
  }
  lines_ = std::move(lines);
  quiet_rules_.clear();
  for (const RuleProgram& rule : program.rules) {
    if (rule.quiet) quiet_rules_.emplace(rule.name, Quiet(*rule.quiet));
  }
  refresh();
  return Status::ok();
}

void Outbox::refresh() {
  count_anew();
  for (auto& [_, line] : lines_) line.next_us = INT64_MIN;
}

// Quiet hours of rule and destination that follow one another hold for both; together they may leave no time of the
// day, so neither is asked more than twice.
int64_t Outbox::after_quiet_us(const std::string& rule, const Line* line, int64_t time_us) const {
  const auto by_rule = quiet_rules_.find(rule);
  for (int round = 0; round < 2; ++round) {
    if (by_rule != quiet_rules_.end()) time_us = by_rule->second.over_us(time_us);
    if (line != nullptr && line->quiet) time_us = line->quiet->over_us(time_us);
  }
  return time_us;
}

// What was added by a transaction that was abandoned is added again, and is one row. Attempts are counted once anyway.
void Outbox::count_anew() {
  if (store_.commits() != commits_counted_) {
    committed_ = counters_;
  } else if (store_.abandons() != abandons_counted_) {
    for (const auto counter : {&OutboxCounters::added, &OutboxCounters::repeated, &OutboxCounters::held_by_quiet,
                               &OutboxCounters::dead_at_cap}) {
      counters_.*counter = committed_.*counter;
    }
  }
  commits_counted_ = store_.commits();
  abandons_counted_ = store_.abandons();
}

Status Outbox::add(Message message, int64_t now_us) {
  count_anew();
  const auto found = lines_.find(message.destination);
  Line* const line = found == lines_.end() ? nullptr : &found->second;
  message.created_us = now_us;
  const int64_t next_us = after_quiet_us(message.rule, line, now_us);
  const StoreCounts before = store_.counts(message.destination);
  const auto added = store_.add(message, next_us);
  if (!added) return Status::error(added.message());
  if (!added.value()) {
    ++counters_.repeated;
    return Status::ok();
  }
  ++counters_.added;
  if (next_us > now_us) ++counters_.held_by_quiet;
  if (line == nullptr) return Status::ok();
  line->next_us = std::min(line->next_us.value_or(next_us), next_us);
  if (!line->drops_at_cap || before.due + before.held < line->waiting_max) return Status::ok();
  ++counters_.dead_at_cap;
  return store_.change(store_.last_number(), {RowState::dead, next_us, false});
}

Status Outbox::record(int64_t now_us) {
  settle();
  for (Attempt& attempt : delivery_.take_attempts()) {
    const auto line = lines_.find(attempt.destination);
    if (attempt.verdict != Verdict::returned) {
      unsettled_.push_back(std::move(attempt));
    } else if (line != lines_.end()) {
      line->second.in_flight.erase(attempt.number);
      line->second.next_us = INT64_MIN;
    }
  }
  commits_before_ = store_.commits();
  abandons_before_ = store_.abandons();
  for (const Attempt& attempt : unsettled_) {
    if (Status status = record(attempt, now_us); !status) return status;
  }
  return Status::ok();
}

Status Outbox::record(const Attempt& attempt, int64_t now_us) {
  const auto found = store_.row(attempt.number);
  if (!found) return Status::error(found.message());
  if (!found.value()) return Status::ok();
  const OutboxRow& row = *found.value();
  if (attempt.verdict == Verdict::delivered) {
    return store_.record(row, attempt, {RowState::delivered, row.next_us, false});
  }
  if (attempt.verdict == Verdict::hold) {
    if (Status status = store_.record(row, attempt, {RowState::held, row.next_us, false}); !status) return status;
    return store_.hold(attempt.destination, attempt.error, now_us);
  }
  const double chance = std::uniform_real_distribution<double>(0, 1)(random_);
  const int64_t first_us = row.first_us == 0 ? attempt.begun_us : row.first_us;
  const auto next = next_attempt_us(attempt, row.attempts + 1, first_us, now_us, chance);
  if (!next) return store_.record(row, attempt, {RowState::dead, row.next_us, false});
  const auto line = lines_.find(attempt.destination);
  const int64_t next_us = after_quiet_us(row.message.rule, line == lines_.end() ? nullptr : &line->second, *next);
  if (line != lines_.end()) line->second.next_us = std::min(line->second.next_us.value_or(next_us), next_us);
  return store_.record(row, attempt, {RowState::due, next_us, false});
}

// What was recorded has been committed: delivery may have the rows again, and they are counted.
void Outbox::settle() {
  if (store_.commits() == commits_before_ || store_.abandons() != abandons_before_) return;
  for (const Attempt& attempt : unsettled_) {
    const auto line = lines_.find(attempt.destination);
    if (line != lines_.end()) line->second.in_flight.erase(attempt.number);
    switch (attempt.verdict) {
      case Verdict::delivered:
        ++counters_.delivered;
        break;
      case Verdict::hold:
        ++counters_.held;
        break;
      default:
        ++counters_.failed;
    }
  }
  unsettled_.clear();
}

Status Outbox::hand_over(int64_t now_us) {
  OMEN_ASSERT(!store_.is_in_transaction());
  settle();
  count_anew();
  for (auto& [name, line] : lines_) {
    if (!line.next_us || *line.next_us > now_us) continue;
    if (Status status = hand_over(name, line, now_us); !status) return status;
  }
  return Status::ok();
}

Status Outbox::hand_over(const std::string& name, Line& line, int64_t now_us) {
  const uint32_t room = delivery_.room(name);
  if (room == 0) return Status::ok();  // what it hands back wakes us
  const uint64_t room_bytes = delivery_.room_bytes(name);
  auto rows = store_.due(name, now_us, room, line.in_flight, room_bytes);
  if (!rows) return Status::error(rows.message());
  std::vector<Message> messages;
  std::vector<int64_t> numbers;
  uint64_t bytes = 0;
  for (OutboxRow& row : rows.value()) {
    bytes += row.message.bytes();
    numbers.push_back(row.message.number);
    messages.push_back(std::move(row.message));
  }
  const size_t taken = delivery_.offer(std::move(messages));
  line.in_flight.insert(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(taken));
  if (taken < numbers.size()) return Status::ok();                // it is stopping
  if (taken == room || bytes >= room_bytes) return Status::ok();  // there may be more
  // All that is due now has been handed over: what comes next is in the future.
  const auto next = store_.next_due_us(name, now_us);
  if (!next) return Status::error(next.message());
  line.next_us = next.value();
  return Status::ok();
}

std::optional<int64_t> Outbox::next_us() const {
  std::optional<int64_t> next;
  for (const auto& [name, line] : lines_) {
    if (line.next_us && delivery_.room(name) > 0) next = std::min(next.value_or(*line.next_us), *line.next_us);
  }
  return next;
}

bool Outbox::is_full() const {
  return std::ranges::any_of(lines_, [&](const auto& one) {
    const StoreCounts counts = store_.counts(one.first);
    return !one.second.drops_at_cap && counts.due + counts.held >= one.second.waiting_max;
  });
}

}  // namespace omen
