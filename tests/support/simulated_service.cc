#include "tests/support/simulated_service.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <mutex>

#include "tests/support/compile_rules.h"

namespace omen {
namespace {

constexpr const char* rules_text = R"(
rule paid {
  by user
  match buy
  alert "{user} paid {buy.price}"
}

rule viewed_then_bought {
  by user
  match view -> buy
  within 10m
  alert "{user} bought"
}

rule abandoned {
  by user
  match add -> not buy for 2m
  alert "{user} left {add.item}"
}

rule spree {
  by user
  match buy{3} as buys
  within 30m
  overlap latest
  alert "{user} spent {sum(buys.price)}"
  emit spree_found { user: user, spent: sum(buys.price) }
}

rule spree_then_refund {
  by user
  match spree_found -> refund
  within 1h
  alert "{user} gives it back"
}

rule many_refunds {
  measure refunds = count(refund) over 5m
  every 1m
  when refunds > 3
  alert "{refunds} refunds"
}
)";

}  // namespace

std::vector<std::string> make_stream(uint64_t seed, size_t count) {
  std::mt19937_64 random(seed);
  const auto pick = [&](uint64_t below) { return random() % below; };
  constexpr std::array<const char*, 10> kinds = {"view", "view", "view", "add",    "add",
                                                 "buy",  "buy",  "buy",  "refund", "other"};
  std::vector<std::string> out;
  int64_t time_us = 4'102'444'800'000'000;  // 2100
  for (size_t i = 0; i < count; ++i) {
    time_us += static_cast<int64_t>(pick(20'000'000));
    out.push_back(fmt::format(R"({{"type":"{}","id":"e{}","ts":{},"user":"u{}","item":"i{}","price":{}}})",
                              kinds[pick(kinds.size())], i, time_us, pick(8), pick(9), 1 + pick(99)));
  }
  return out;
}

RuleSet stream_rules(int variant) {
  RuleSet rules{{{"stream.omen", rules_text}}, {}};
  if (variant == 1) {
    rules.files.push_back({"more.omen", "rule never {\n  by user\n  match none -> never\n  alert \"x\"\n}\n"});
  }
  return rules;
}

// ---- Sender ----

void Sender::begin(Service& service) {
  service_ = &service;
  next_ = acknowledged_;
  ahead_ = 0;
  is_waiting_ = false;
  is_ready_ = true;
  is_done() ? end() : offer();
}

void Sender::end() { when_done ? when_done(*service_) : service_->stop(); }

void Sender::note_room() {
  is_ready_ = true;
  is_waiting_ = false;
  offer();
}

void Sender::offer() {
  while (!is_waiting_ && ahead_ < manner_.ahead_max && next_ < events_.size()) {
    Batch batch;
    batch.count = std::min<size_t>(1 + random_() % manner_.batch_max, events_.size() - next_);
    for (size_t i = 0; i < batch.count; ++i) batch.events += events_[next_ + i] + '\n';
    batch.source = "test";
    batch.arrival_us = 1'700'000'000'000'000;
    batch.done = [this, first = next_](std::span<const EventOutcome> outcomes) { take_answer(first, outcomes); };
    next_ += batch.count;
    ++ahead_;
    if (service_->intake().offer(std::move(batch)) != Intake::Answer::taken) problem_ = "the intake refuses a batch";
  }
}

void Sender::take_answer(size_t first, std::span<const EventOutcome> outcomes) {
  --ahead_;
  if (when_answered) when_answered();
  if (first > acknowledged_) return;  // one before it was refused: this one is sent again, and known by its ids
  size_t taken = 0;
  for (const EventOutcome& outcome : outcomes) {
    if (outcome.is_to_be_repeated()) break;
    if (!outcome.is_accepted()) problem_ = "an event is rejected";
    ++taken;
  }
  acknowledged_ = std::max(acknowledged_, first + taken);
  if (taken < outcomes.size()) {
    ++refused_;
    is_waiting_ = manner_.waits_for_room && !is_ready_;
    next_ = acknowledged_;
  }
  is_done() ? end() : offer();
}

// ---- SimulatedService ----

ServiceOptions SimulatedService::options() const {
  ServiceOptions options;
  options.data = "d";
  options.disk = const_cast<SimulatedDisk*>(&disk);
  options.store.vfs = vfs.name();
  options.pipeline.order.max_ahead_us.reset();
  options.pipeline.order.dedupe_us = us_per_day;
  options.log.segment_bytes = 4'000;
  options.retention.bytes_max = 6'000;
  options.snapshot_records = 40;
  options.snapshot_apart_us = 0;
  options.commit_apart_us = 0;
  options.room_every_us = 500;
  options.delivery.queue_max = 0;
  return options;
}

Status SimulatedService::live(ServiceOptions options, const RuleSet& rules, Sender& sender) {
  said.clear();
  Service* running = nullptr;
  options.say = [&](const std::string& line, bool) {
    said.push_back(line);
    if (line.find("o space left") != std::string::npos) sender.note_full();
    const bool is_full = line.starts_with("nothing is taken") || line.starts_with("events are refused");
    if (is_full && running != nullptr && when_full) when_full(*running);
    if (!line.starts_with("there is room again") || running == nullptr) return;
    if (when_room) when_room(*running);
    sender.note_room();
  };
  // Each text is compiled once; rules may be made by several threads.
  static std::mutex mutex;
  static std::map<std::string, SharedRules> known;
  const auto compile = [](const std::vector<RuleFile>& files) -> Result<SharedRules> {
    std::string all;
    for (const RuleFile& file : files) all += file.text;
    const std::scoped_lock lock(mutex);
    if (const auto found = known.find(all); found != known.end()) return found->second;
    auto made = compile_rules(files);
    if (made) known[all] = made.value();
    return made;
  };
  auto opened = Service::open(std::move(options), compile, rules);
  if (!opened) return Status::error(opened.message());
  Service& service = *opened.value();
  running = &service;
  sender.begin(service);
  Status ended = service.run();
  view = *service.view();
  return ended;
}

Result<std::vector<std::string>> SimulatedService::rows() {
  StoreOptions options;
  options.vfs = vfs.name();
  const auto store = Store::open("d/state.db", options);
  if (!store) return Status::error(store.message());
  RowFilter all;
  all.limit = 1'000'000;
  const auto rows = store.value()->list(all);
  if (!rows) return Status::error(rows.message());
  std::vector<std::string> out;
  for (const OutboxRow& row : rows.value()) {
    const Message& m = row.message;
    out.push_back(fmt::format("{} {} {} {} {} {}", m.id, m.destination, m.rule, m.key, m.text, m.body));
  }
  return out;
}

const std::vector<std::string>& undisturbed_rows() {
  static const std::vector<std::string> rows = [] {
    SimulatedService omen(1);
    Sender sender(make_stream(9, undisturbed_events), 1, {});
    REQUIRE(omen.live(omen.options(), stream_rules(0), sender));
    return omen.rows().value();
  }();
  REQUIRE(rows.size() > 40);
  return rows;
}

}  // namespace omen
