// Keys of which nothing is known but what may begin runs: which they are, when more becomes of them, when they go
// (newcomers.h).
//
//   event of a newcomer, or of a key that nobody knows
//     could it move a run that one of the key's events begins?     the key settles, and all goes on as for any other
//     does it begin one itself?                                    it joins the key's events
//
// What the rules of such a key would do is what their lists of starts say (shared_starts.h): the key's events are those
// lists, before they are made.
//
// A key settles, too, when it has many events, when an event comes that asks more of it, and when a limit is not far:
// limits know settled keys only.
#include <algorithm>
#include <limits>

#include "runtime/core/engine.h"

namespace omen {

namespace {

constexpr uint32_t events_of_key_max = 8;

}  // namespace

// ---- decided once ----

// Events of a ring go in their order, so their windows must not be too different: each stays for the longest. An event
// has one place, so one table only may see its type; and a key of one part stands in the event. Derived events settle
// their key.
void Engine::admit_newcomers() {
  for (Table& table : tables_) table.newcomers_us = -1;
  for (StartId start = 0; start < starts_.size(); ++start) {
    int64_t& longest_us = tables_[starts_.at(start).table].newcomers_us;
    longest_us = std::max(longest_us, starts_.at(start).longest_us);
  }
  for (std::vector<Interest>& interests : interests_) {
    for (Interest& interest : interests) {
      const Table& table = tables_[interest.table];
      interest.admits_newcomers =
          program_.keeps_newcomers && limits_.max_runs > 0 && interests.size() == 1 && !has_histories_ &&
          !table.has_routes && table.key.size() == 1 && interest.starts.empty() &&
          std::ranges::all_of(interest.shared_starts,
                              [&](StartId start) { return starts_.at(start).longest_us >= table.newcomers_us / 4; });
    }
  }
  newcomer_tables_.clear();
  for (uint32_t table = 0; table < tables_.size(); ++table) {
    if (tables_[table].newcomers_us >= 0 || !tables_[table].partitions->newcomers().is_empty()) {
      newcomer_tables_.push_back(table);
    }
  }
  note_newcomers_due();
}

// ---- one event ----

// True: nothing has become of the key but perhaps one event more. `newest` is that of its events, or index_none.
bool Engine::stays_new(const Interest& interest, PartitionId newest, std::string_view key, uint32_t hash) {
  KeyTable& table = *tables_[interest.table].partitions;
  if (newest != index_none) {
    const Newcomers& newcomers = table.newcomers();
    const uint32_t events_max = std::min(events_of_key_max, limits_.max_runs);
    uint32_t events = 0;
    for (const FirstEvent* first = &newcomers.at(newest); first != nullptr; first = newcomers.previous(*first)) {
      if (++events >= events_max || may_move(interest, *first)) return false;
    }
  }
  StartId begun = start_none;
  for (const StartId start : interest.shared_starts) {
    const PredicateId predicate = starts_.at(start).predicate;
    if (predicate != predicate_none && !present().shared_holds(predicate)) continue;
    if (begun != start_none) return false;
    begun = start;
  }
  if (begun == start_none) return true;
  if (!take_room_for_newcomer(interest.table)) return false;
  if (table.add_newcomer(present().event(), key, hash, begun, newest) == index_none) return false;
  starts_.note_newcomer(begun);
  newcomers_due_us_ = std::min(newcomers_due_us_, newcomers_until_us(tables_[interest.table]));
  return true;
}

// Whether a rule would have a run that this event begins, and the present one could move it.
bool Engine::may_move(const Interest& interest, const FirstEvent& first) {
  for (const Followers& followers : interest.followers) {
    if (followers.start != first.start || !starts_.waits(first.start, first.event()->sequence)) continue;
    for (const Follower& follower : followers.rules) {
      if (clock_us_ - first.event()->time_us > program_.rules[follower.rule].within_us) continue;
      if (first.event()->sequence <= starts_.joined(follower.rule)) continue;
      if (follower.predicate == predicate_none || present().shared_holds(follower.predicate)) return true;
    }
  }
  return false;
}

// Of half of either limit: while they settle the other half fills. Bytes are counted anew when those that there was
// room for have come. Where most have settled, there is none either: their events stand twice until they go, and the
// oldest ones do (enforce_limits).
bool Engine::take_room_for_newcomer(uint32_t table) {
  constexpr int64_t bytes_beside_raw = 512, counted_at_least = 64;
  if (newcomer_room_bytes_ <= 0) {
    const uint64_t bytes_max = std::min(limits_.max_state_bytes, EventRing::capacity_bytes);
    const auto room = static_cast<int64_t>(bytes_max / 2) - static_cast<int64_t>(state_bytes());
    newcomer_room_bytes_ = std::min(room, static_cast<int64_t>(bytes_max / counted_at_least));
  }
  newcomer_room_bytes_ -= bytes_beside_raw + static_cast<int64_t>(present().event().raw.size());
  const KeyTable& keys = *tables_[table].partitions;
  return newcomer_room_bytes_ > 0 && keys.size() < limits_.max_keys / 2 && !keys.newcomers().are_mostly_settled();
}

// ---- how long it lives ----

// What it has becomes lists of starts.
PartitionId Engine::settle(uint32_t table, PartitionId newcomer) {
  KeyTable& keys = *tables_[table].partitions;
  settling_.clear();
  for (FirstEvent* first = &keys.newcomers().at(newcomer); first != nullptr;
       first = keys.newcomers().previous(*first)) {
    settling_.push_back(first);
  }
  std::ranges::reverse(settling_);
  const PartitionId partition = keys.settle(newcomer);
  for (FirstEvent* const first : settling_) {
    starts_.forget_newcomer(first->start);
    keys.newcomers().settle(*first);
    if (!starts_.waits(first->start, first->event()->sequence)) continue;
    const RuleId list = starts_.list_of(first->start);
    RuleStateId id = find_state({partition, first->hash, list});
    if (id == index_none) id = add_rule_state(partition, list);
    KeptEvent* const event = captures_.keep(*first->event());
    starts_.append(state_at(id), event);
    captures_.release(event);
  }
  keys.each_state(partition, [&](RuleId, RuleStateId id) { note_state(table, partition, state_at(id)); });
  return partition;
}

// The partition of a key, whatever there is of it until now.
PartitionId Engine::partition_of(uint32_t table, std::string_view key, uint32_t hash) {
  KeyTable& keys = *tables_[table].partitions;
  const PartitionId found = keys.find(key, hash);
  if (Newcomers::is_newcomer(found)) return settle(table, found);
  return found != index_none ? found : keys.add(key, hash);
}

// The oldest ones first. Those of whose lists nothing is left go.
void Engine::settle_oldest(uint32_t table, size_t events_max) {
  KeyTable& keys = *tables_[table].partitions;
  for (; events_max > 0 && !keys.newcomers().is_empty(); --events_max) {
    const FirstEvent& oldest = keys.newcomers().oldest();
    if (!oldest.is_settled()) {
      const std::string key(keys.newcomers().key(keys.newcomers().oldest_id()));
      free_partition_if_empty(table, settle(table, keys.find(key, oldest.hash)));
    }
    keys.pop_newcomer();
  }
  note_newcomers_due();
}

void Engine::let_newcomers_go(size_t events_max) {
  for (const uint32_t id : newcomer_tables_) {
    const Table& table = tables_[id];
    KeyTable& keys = *table.partitions;
    while (events_max > 0 && !keys.newcomers().is_empty() && newcomers_until_us(table) < clock_us_) {
      const FirstEvent& oldest = keys.newcomers().oldest();
      if (!oldest.is_settled()) starts_.forget_newcomer(oldest.start);
      keys.pop_newcomer();
      --events_max;
    }
  }
  note_newcomers_due();
}

// The last moment at which the oldest one of them matters.
int64_t Engine::newcomers_until_us(const Table& table) const {
  const Newcomers& newcomers = table.partitions->newcomers();
  int64_t until_us = std::numeric_limits<int64_t>::max();
  if (newcomers.is_empty()) return until_us;
  const bool is_far = __builtin_add_overflow(newcomers.oldest().event()->time_us, table.newcomers_us, &until_us);
  return is_far ? time_unbounded : until_us;
}

void Engine::note_newcomers_due() {
  newcomers_due_us_ = std::numeric_limits<int64_t>::max();
  for (const uint32_t table : newcomer_tables_) {
    newcomers_due_us_ = std::min(newcomers_due_us_, newcomers_until_us(tables_[table]));
  }
}

}  // namespace omen
