// Partition: for one key, the state of each rule that has something to remember about it.
//
// A key table belongs to one way of partitioning (the list of `by` fields); all rules with the same `by` share it, so
// an event's key is looked up once for all of them (key_places.h). Partitions and what hangs on them live in word
// pools. A partition without rule states does not exist, and most have one: behind a partition there is room for it, so
// that whoever has found the key has found that, too. The states of a key are a chain; many, a row (state_row.h). A key
// of which nothing is known but what may begin runs is a newcomer (newcomers.h): it is in the same table, and has no
// partition yet.
//
// MEMORY of a key with one waiting run beside its captured events: partition 24, its place in the table 13 to 26, rule
// state 32 or that of a list of starts 56, run 40, note for the sweep 12; of a key with many states 11 to 21 more for
// each.
//
// NOT HERE: what runs do (matcher), which event goes where (engine).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/captures.h"
#include "runtime/core/key_places.h"
#include "runtime/core/newcomers.h"
#include "runtime/core/pool.h"
#include "runtime/core/state_row.h"
#include "runtime/model/program.h"

namespace omen {

using RunId = uint32_t;
using RuleStateId = uint32_t;
inline constexpr uint32_t index_none = WordPool::none;

// A run, or one further thread of it. Its registers follow; register 0 is the time of the last event taken.
struct Run {
  RunId next;    // of the rule state, by start (of a thread: unused)
  RunId thread;  // the next thread of the same run, in written order
  StateId state;
  CaptureId captures;
  int64_t start_us;
  uint64_t start_sequence : 58;  // of the event that started it
  uint64_t route : 5;            // by which that event was seen, the first of several
  uint64_t is_armed : 1;         // a timer knows of it
  int64_t* registers() { return reinterpret_cast<int64_t*>(this + 1); }
  const int64_t* registers() const { return reinterpret_cast<const int64_t*>(this + 1); }
};
static_assert(sizeof(Run) == 32);

// What one rule remembers about one key. `memory` are words for the rule's cooldown and leading absences.
struct RuleState {
  RuleId rule;
  RuleStateId next;   // of the chain
  RunId first, last;  // runs by start; of a list of starts something else (shared_starts.h)
  uint32_t run_count : 31;
  uint32_t has_stretches : 1;  // its runs, many of them, are known by their places (stretches.cc)
  uint32_t memory;
  uint64_t touched : 58;  // sequence of the last event of the key: the one idle longest goes first
  uint64_t noted : 6;     // the tag of its note, by which a sweep will look at it (sweeps.h); 0: there is none
};
static_assert(sizeof(RuleState) == 32);
inline constexpr uint32_t rule_state_words = sizeof(RuleState) / sizeof(uint64_t);

struct Partition {
  uint32_t hash;
  RuleStateId first;  // of the chain; or the row that it has instead, with a bit that no state's id has (KeyTable)
  // Up to 15 bytes of key stand here, a longer one in the byte pool.
  char key[16];
  static constexpr uint8_t is_long = 0xff;
};
static_assert(sizeof(Partition) == 24);
inline constexpr uint32_t partition_words = sizeof(Partition) / sizeof(uint64_t);

class KeyTable {
 public:
  // What the pool of words may hand out, three quarters of what a partition's id can name: keys go then.
  static constexpr uint64_t words_bytes_max = uint64_t{Newcomers::bit} / 4 * 3 * sizeof(uint64_t);
  // The pools are the engine's: all tables share them.
  KeyTable(WordPool& words, BytePool& blocks, CaptureStore& captures)
      : words_(words), blocks_(blocks), newcomers_(captures) {}
  ~KeyTable();
  // Before the first key: for the rule states of so many words there is room behind the partitions.
  void make_room(uint32_t words) { room_words_ = words; }
  // A key of so many states has a row of them; 0: none has.
  void make_rows_from(uint32_t states) { rows_from_ = states; }
  KeyTable(const KeyTable&) = delete;
  KeyTable& operator=(const KeyTable&) = delete;

  static uint32_t hash(std::string_view key);
  // Of a partition or a newcomer; index_none when there is neither.
  PartitionId find(std::string_view key, uint32_t hash) const;
  PartitionId add(std::string_view key, uint32_t hash);           // one that is not there
  PartitionId find_or_add(std::string_view key, uint32_t hash) {  // of a table without newcomers
    const PartitionId found = find(key, hash);
    return found != index_none ? found : add(key, hash);
  }
  void remove(PartitionId id);
  // Newcomers: the event is the key's first one, or joins its others, of which `newest` is the newest. What is returned
  // is the newest then; index_none: it has no room among them.
  PartitionId add_newcomer(const Event& event, std::string_view key, uint32_t hash, StartId start, PartitionId newest);
  // The oldest event of them goes, and with its last one the key.
  void pop_newcomer();
  // The key gets its partition. What stood in it, whoever calls takes along.
  PartitionId settle(PartitionId newcomer);
  Newcomers& newcomers() { return newcomers_; }
  const Newcomers& newcomers() const { return newcomers_; }
  // Whether a partition with this id and hash still exists; safe to ask of any id.
  bool contains(PartitionId id, uint32_t hash) const;
  Partition& at(PartitionId id) { return *static_cast<Partition*>(words_.at(id)); }
  const Partition& at(PartitionId id) const { return *static_cast<const Partition*>(words_.at(id)); }
  std::string_view key(PartitionId id) const;  // of either kind
  // Memory for a rule state of the partition, behind it or elsewhere. Its `rule` says that it is taken.
  RuleStateId take_state(PartitionId id, uint32_t words) {
    const bool is_room = words <= room_words_ && room_of(id).rule == rule_none;
    return is_room ? id + partition_words : words_.take(words);
  }
  void give_state(PartitionId id, RuleStateId state, uint32_t words) {
    if (state == id + partition_words) {
      room_of(id).rule = rule_none;
    } else {
      words_.give(state, words);
    }
  }
  // A partition's states: whether there are any, all of them, one of a rule (index_none when it has none), a new one,
  // and one that is there no more. Who visits them neither adds nor removes one.
  bool has_states(PartitionId id) const { return at(id).first != index_none; }
  template <typename Visit>  // visit(rule, state), in no order that means anything
  void each_state(PartitionId id, Visit visit) const {
    RuleStateId state = at(id).first;
    if (is_row(state)) return row_at(state).for_each(visit);
    for (; state != index_none; state = state_at(state).next) visit(state_at(state).rule, state);
  }
  RuleStateId find_state(PartitionId id, RuleId rule) const {
    RuleStateId state = at(id).first;
    if (is_row(state)) return row_at(state).find(rule);
    while (state != index_none && state_at(state).rule != rule) state = state_at(state).next;
    return state;
  }
  void link_state(PartitionId id, RuleStateId state);
  void unlink_state(PartitionId id, RuleStateId state);
  // What stands in Partition::first is the id of a row.
  static constexpr bool is_row(RuleStateId first) { return first >= row_bit && first != index_none; }
  // nullptr: it has few. The second is safe to ask of any id, as is asking for the memory of a row that may be none.
  const StateRow* row(PartitionId id) const { return is_row(at(id).first) ? &row_at(at(id).first) : nullptr; }
  const StateRow* row(PartitionId id, uint32_t hash) const { return contains(id, hash) ? row(id) : nullptr; }
  [[gnu::always_inline]] void prefetch_row(RuleStateId first) const {
    if (words_.has(first & ~row_bit, row_words)) __builtin_prefetch(words_.at(first & ~row_bit));
  }
  uint32_t size() const { return places_.count(); }  // of both kinds
  uint64_t bytes() const { return places_.bytes() + newcomers_.bytes(); }
  // Ask for the memory that find() will read, one step further each; the second says what stands there, most likely, or
  // index_none.
  void prefetch(uint32_t hash) const { places_.prefetch(hash); }
  PartitionId prefetch_partition(uint32_t hash) const {
    const PartitionId id = places_.likely(hash);
    if (id == index_none) return id;
    if (Newcomers::is_newcomer(id)) return newcomers_.prefetch(id), index_none;
    const char* const partition = static_cast<const char*>(words_.at(id));
    __builtin_prefetch(partition, 1);
    __builtin_prefetch(partition + sizeof(Partition) + sizeof(RuleState) - 1, 1);  // perhaps on the next line
    return id;
  }
  // Every partition, in the order of the table's places: for inspection and eviction, which order by themselves.
  template <typename Visit>
  void for_each(Visit visit) const {
    places_.for_each([&](PartitionId id) {
      if (!Newcomers::is_newcomer(id)) visit(id);
    });
  }
  template <typename Visit>
  void for_each_newcomer(Visit visit) const {
    places_.for_each([&](PartitionId id) {
      if (Newcomers::is_newcomer(id)) visit(id);
    });
  }

 private:
  static constexpr RuleStateId row_bit = 1u << 31;
  static constexpr uint32_t row_words = sizeof(StateRow) / sizeof(uint64_t);
  StateRow& row_at(RuleStateId first) { return *static_cast<StateRow*>(words_.at(first & ~row_bit)); }
  const StateRow& row_at(RuleStateId first) const { return *static_cast<const StateRow*>(words_.at(first & ~row_bit)); }
  RuleState& state_at(RuleStateId id) { return *static_cast<RuleState*>(words_.at(id)); }
  const RuleState& state_at(RuleStateId id) const { return *static_cast<const RuleState*>(words_.at(id)); }
  void make_row(PartitionId id);
  PartitionId make(std::string_view key, uint32_t hash);
  RuleState& room_of(PartitionId id) { return *static_cast<RuleState*>(words_.at(id + partition_words)); }

  WordPool& words_;
  BytePool& blocks_;
  uint32_t room_words_ = 0;
  uint32_t rows_from_ = 0;
  KeyPlaces places_;
  Newcomers newcomers_;
};

}  // namespace omen
