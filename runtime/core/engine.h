// Engine: the machine as two calls. step() feeds one event of the stream, advance() says that time has passed.
//
//   step(event)
//     deadlines before the event's time are met, in their order
//     for each way of partitioning (key table) that has a rule caring for the event's type:
//       the key is read from the event and its partition looked up
//       the rule states of the partition that care step; rules whose first step fits and that have no state get one
//       (of rules that share their first step, those that the event may move further: shared_starts.h, engine_starts)
//     matches of the event are put in the order of the rules
//     the events that matches emit are seen in turn, in the order of the matches, and what they complete joins the end
//   advance(t)
//     deadlines up to and including t are met
//
// An event of a type that no rule cares for costs a comparison with the earliest deadline. Partitions that nothing can
// come of any more are freed by a sweep: each is noted in a bucket of the time at which it should be dead by then.
//
// An event that breaks the declaration of its type is not matched (unless that is lenient); where a rule looks for
// them, it is followed by a derived event for each thing that is wrong.
//
// A derived event is seen by the rules with a step that names its type, and by no other: to them it is as if it had not
// been. It happens at the clock's time, behind the event or the deadline that made it and before anything else.
//
// INVARIANTS
//   1. Matches depend on the program, the limits, the events and the advances alone, and so does their order.
//   2. The clock never runs back; step() is never given an event before it.
//
// NOT HERE: order of the stream, lateness (reorder), alert records (action), delivery (io), the wall clock (io/clock).
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/core/action.h"
#include "runtime/core/captures.h"
#include "runtime/core/counters.h"
#include "runtime/core/decode.h"
#include "runtime/core/derive.h"
#include "runtime/core/machines.h"
#include "runtime/core/match_view.h"
#include "runtime/core/partition.h"
#include "runtime/core/share.h"
#include "runtime/core/shared_starts.h"
#include "runtime/core/sweeps.h"
#include "runtime/core/timers.h"
#include "runtime/core/validate.h"
#include "runtime/model/given_up.h"
#include "runtime/model/limits.h"
#include "runtime/model/program.h"

namespace omen {

class StateReader;
class StateWriter;

// A raised match. Captures and key stay valid until clear_matches().
struct Match {
  RuleId rule = 0;
  CaptureId captures = capture_none;  // newest first
  int64_t start_us = 0;
  int64_t end_us = 0;
  uint64_t end_sequence = 0;  // of the event that completed it; 0 at a deadline
  uint64_t count = 1;         // where they are only counted: of the key at this moment
  bool at_deadline = false;
  bool resolves = false;                         // what was raised is over
  uint32_t values_begin = 0;                     // of a measure rule, into the engine's measure values
  uint32_t key_begin = 0, key_size = 0;          // into the engine's key bytes
  uint32_t history_begin = 0, history_size = 0;  // into the engine's kept histories
  MatchPlace place;                              // among those of other engines (share.h)
};

// A live run, for tests, explanations and summaries. Not for the hot path.
struct RunView {
  RuleId rule = 0;
  std::string key;  // parts joined as match_key() has them
  uint64_t start_sequence = 0;
  int64_t start_us = 0;
  std::vector<StateId> threads;
  std::vector<CaptureId> captures;  // of each thread
};

// What load() found.
struct LoadedState {
  std::vector<RuleId> kept;       // rules that go on where they were
  std::vector<RuleId> rebuilt;    // rules that were not, and whose state was made anew
  std::vector<RuleId> empty;      // the others of the program: new, or no longer what they were; they begin now
  std::vector<std::string> gone;  // names of rules whose state nobody has taken
};

// What load() takes from an engine of the same program that has seen the same stream up to the same place, or its end.
struct Rebuilt {
  std::string_view state = {};  // as it was saved; empty: there is none
  std::vector<RuleId> histories =
      {};  // rules that are kept, and ask for a longer history(D) than was kept of their keys
};

class Engine {
 public:
  // `program` outlives the engine and has passed verify(). `only_counts`: nobody looks at captures, and under
  // `overlap all` all matches of a moment are counted. `share`: what it works for, when several divide the stream.
  Engine(const Program& program, const Limits& limits, bool only_counts = false, const Share& share = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Says which events come next, so that the memory of their keys is under way when step() needs it: a look-up that
  // has to wait for memory costs more than all the rest. Nothing but speed depends on it. `events` stay where they are.
  void prefetch(std::span<const Event> events);
  // Likewise of events that stand anywhere, and come in this order. The list, too, stays where it is.
  void prefetch(std::span<const Event* const> events);
  // A derived event (core/derive) is the next one of the stream, whatever its sequence; one from before the clock
  // happens at the clock's time.
  void step(const Event& event) {
    if (!only_passes(event)) return take(event);
    clock_us_ = event.time_us;
    sweeps_.pass(clock_us_);
    number(event);
  }
  void advance(int64_t time_us);
  // Either frees a part of what is over, and what is over may still be counted. This frees the rest.
  void free_what_is_over() {
    sweep(SIZE_MAX);
    let_newcomers_go(SIZE_MAX);
  }
  // For free rules: so many events have been derived, by the engine of the bound ones, before the next one of the
  // stream. All engines number events alike then.
  void set_derived(uint64_t count) { derived_ = count; }
  uint64_t derived_before_event() const { return derived_before_event_; }  // the newest of the stream
  // For free rules: which of the engines that divide the stream an event means anything to, a bit each; to the others
  // only its time does, and the next event tells them that. It reads nothing that step() changes: whoever asks, asks
  // beside it. `scratch` is the caller's.
  uint64_t sharers(const Event& event, std::string& scratch) const;
  // Nothing comes any more: the clock advances until nothing can come of what has been.
  void end_stream();

  // Matches raised since the last clear, in order.
  std::span<const Match> matches() const { return matches_; }
  void clear_matches();
  // The parts of a match's key, as canonical texts. Empty for rules without `by`.
  std::vector<std::string_view> match_key(const Match& match) const;
  void match_key(const Match& match, std::vector<std::string_view>& parts) const;
  // The same as one text: another one for each key of the rule.
  std::string_view match_key_text(const Match& match) const {
    return std::string_view(match_keys_).substr(match.key_begin, match.key_size);
  }
  // What the measures of a match's rule were, in the order of writing. Empty for sequence rules.
  std::span<const Value> match_values(const Match& match) const;
  // What actions read of it; `key` are its parts.
  MatchView view(const Match& match, std::span<const std::string_view> key) const;
  // The events of its key, oldest first, as far back as its rule's history(D) asks.
  std::span<KeptEvent* const> match_history(const Match& match) const {
    return std::span(match_histories_).subspan(match.history_begin, match.history_size);
  }
  // Between events: what a table of the program holds from now on.
  void set_table(uint32_t table, std::shared_ptr<const LookupTable> rows) {
    prepared_->set_table(table, std::move(rows));
  }

  // Appends all that is remembered, as bytes (state_writer.h): what an engine that loads them does from here on is what
  // this one does. Linear in the state. Between events, when the matches are cleared.
  void save(std::string& out) const;
  // Likewise of the engines that divide a stream among them: as if it were one.
  static void save(std::span<const Engine* const> shares, std::string& out);
  // Into an engine that has seen nothing. Its program may be another one: a rule of the same name, version and shape
  // is kept, whatever else has changed; of a share only that. `decoder` is one of the program, as the events of the
  // stream were read. After an error, which says that the bytes are none that save() has written, the engine is of no
  // use.
  //
  // Only what max_keys and max_state_bytes push out may differ from the engine that was saved: what is over is swept
  // away at other moments, and rows have less room than they once needed.
  //
  // Rules that are not kept take their state from `rebuilt`, or begin now.
  Result<LoadedState> load(std::string_view bytes, Decoder& decoder, const Rebuilt& rebuilt = {},
                           const GivenUp* is_given_up = nullptr);

  // Rules change between events, when the matches are cleared, while the state of all others stays (engine_change). The
  // program is changed in place (model/link): first these go, with all that is remembered for them; then those that
  // have come are taken from `rebuilt`, of a program that has them and saw what this one has seen, or begin now; of
  // those of which nothing but clauses has changed none need go or come. An error: the bytes are no such state.
  void let_go(std::span<const RuleId> rules);
  Status take_on(std::span<const RuleId> rules, std::string_view rebuilt, Decoder& decoder);

  // Counts from now on how far runs come and what ends them.
  // The program's rules share no starts: runs that are put off cannot be counted.
  void set_funnel(Funnel* funnel) { machines_.set_funnel(funnel); }

  int64_t clock_us() const { return clock_us_; }
  // The clock at which something may come true without an event: an absence, an evaluation. A hint: perhaps nothing
  // does.
  std::optional<int64_t> next_deadline_us() const {
    return timers_.empty() ? std::nullopt : std::optional<int64_t>(timers_.earliest().deadline_us);
  }
  const CaptureStore& captures() const { return captures_; }
  const Prepared& prepared() const { return *prepared_; }
  const EngineCounters& counters() const { return counters_; }
  const std::vector<RuleCounters>& rule_counters() const { return rule_counters_; }
  // Those put off included, which are at most as many.
  uint64_t live_runs() const { return machines_.live_runs() + starts_.waiting_runs(); }
  uint64_t pending_runs() const;      // the same to the run; looks at all keys
  uint64_t true_conditions() const;   // keys whose condition is true; looks at all of them
  uint64_t panes() const;             // of the windows of measures; looks at all of them
  uint64_t waiting_absences() const;  // runs that wait for a final absence; looks at all of them
  uint64_t partitions() const;
  uint64_t state_bytes() const;
  uint64_t captured_bytes() const;                   // of these, what captured events take
  uint64_t notes() const { return sweeps_.size(); }  // of states that the sweep will look at
  // All live runs, by rule, key, start.
  std::vector<RunView> runs() const;

 private:
  // All rules with the same key, or one rule whose steps name the key in several ways.
  struct Table {
    std::vector<FieldId> key;
    bool has_routes = false;  // one rule only, whose steps name the key in several ways
    std::vector<RuleId> rules;
    std::unique_ptr<KeyTable> partitions;
    std::unique_ptr<History> history;  // when a rule asks for it
    int64_t newcomers_us = -1;         // how long events of newcomers matter; -1: there are none
  };
  // Rules that may start with an event of this type, if a predicate holds.
  struct Starts {
    PredicateId predicate;  // predicate_none: ask each rule
    std::vector<RuleId> rules;
  };
  // A rule behind a shared start that an event may move, if a predicate holds.
  struct Follower {
    RuleId rule;
    PredicateId predicate;  // predicate_none: ask the rule
    // By which, when it holds, the oldest run is complete, and all others are over with it: none need begin. Or
    // nullptr.
    const Transition* completes;
  };
  struct Followers {
    StartId start;
    std::vector<Follower> rules;
  };
  // What one event type means to one table.
  struct Interest {
    uint32_t table = 0;
    std::vector<bool> cares;  // by RuleId
    std::vector<Starts> starts;
    std::vector<StartId> shared_starts;
    std::vector<Followers> followers;
    std::vector<uint8_t> routes;  // multi-route: those that exist for this type
    bool admits_newcomers = false;
  };

  // A key of an event to come.
  struct Foreseen {
    std::string_view text;  // as it stands in the event; empty: it is to be read
    uint32_t hash;
  };
  struct Lookup {
    const KeyTable* table;
    const Interest* interest;
    uint32_t hash;
    PartitionId partition;
    RuleStateId state;
  };
  // A rule behind a shared start that an event moves; `oldest`, where the event completes it, is the oldest event with
  // which it is yet to begin a run.
  struct Moved {
    const Follower* follower;
    RuleStateId id;  // index_none: the key has no state of the rule
    uint64_t begun;  // up to this sequence
    BeginEvent oldest;
  };
  struct Oldest {
    uint64_t touched;
    Noted where;
  };
  // A rule state of the partition in hand.
  struct Seen {
    uint64_t visit = 0;
    RuleStateId id = index_none;
  };

  // What is needed to make an event of a match.
  struct Emits {
    Derive derive;
    Actions actions;
    std::vector<std::string_view> key;  // of the match in hand
    std::string object, id;
    Emits(const Program& program, const Prepared& prepared, const CaptureStore& captures)
        : derive(program), actions(program, prepared, captures) {}
  };

  // What is needed to report an event that breaks its declaration.
  struct Violations {
    Validator validator;
    Derive derive;
    std::vector<Violation> found;  // of the event in hand
    std::string object, id;
    explicit Violations(const Program& program) : validator(program), derive(program) {}
  };

  // The rule states, in the order of rules, hashes and keys; how many each rule has; and the timers.
  struct SavedPlaces {
    struct Place {
      RuleId rule;
      uint32_t hash;
      PartitionId partition;
      RuleStateId state;  // index_none: of a rule that is known by what it has begun alone
      uint64_t touched;
    };
    std::vector<Place> places;
    size_t next = 0;
    std::vector<uint64_t> keys;  // by rule, and then by list of starts
    std::vector<Timer> timers;
  };
  SavedPlaces places_to_save() const;
  void save_keys(RuleId rule, SavedPlaces& saved, StateWriter& out) const;
  uint64_t shape(RuleId rule) const;
  static void save_histories(std::span<const Engine* const> shares, StateWriter& out);
  static void save_rules(std::span<const Engine* const> shares, std::vector<SavedPlaces>& places, StateWriter& out);
  static void save_starts(std::span<const Engine* const> shares, std::vector<SavedPlaces>& places, StateWriter& out);
  void save_lists(StartId start, SavedPlaces& saved, StateWriter& out) const;
  void load_histories(StateReader& in, const LoadedState& loaded);
  Status load_rebuilt(const Rebuilt& rebuilt, Decoder& decoder, LoadedState& loaded, const GivenUp* is_given_up);
  std::vector<RuleId> load_rules(StateReader& in, LoadedState& loaded, const std::vector<bool>& wanted);
  void load_starts(StateReader& in, const std::vector<RuleId>& numbers);
  // Of rules that have shared a start: what becomes of its lists.
  struct LoadedStarts {
    RuleId rule = 0;              // one of them
    std::vector<StartId> starts;  // all of whose rules are among them
    std::vector<RuleId> apart;    // rules of no such start
  };
  LoadedStarts loaded_starts(const std::vector<RuleId>& rules) const;
  void save_newcomer(const Newcomers& newcomers, PartitionId newest, StartId start, StateWriter& out) const;
  void note_newcomer_places(const Table& table, PartitionId newest, std::vector<SavedPlaces::Place>& places) const;
  void load_list(StateReader& in, const LoadedStarts& loaded);
  std::vector<KeptEvent*> load_list_events(StateReader& in, const RuleProgram& rule);
  void begin_loaded(PartitionId partition, RuleId rule, const std::vector<KeptEvent*>& events);
  void load_rule(StateReader& in, RuleId rule);
  void load_rule_state(StateReader& in, RuleId rule);
  uint32_t table_of_history(StateReader& in, const LoadedState& loaded) const;
  static bool cares_for(const RuleProgram& rule, TypeId type, bool is_derived);
  std::vector<uint32_t> build_tables();
  uint32_t add_to_table(RuleId rule);
  uint32_t table_of(RuleId rule) const {
    return starts_.is_list(rule) ? starts_.at(starts_.start_of_list(rule)).table : table_of_rule_[rule];
  }
  void build_histories();
  void remember(const Event& event);
  void remember_routes(Table& table, const Event& event);
  void build_interests(bool is_derived, std::vector<std::vector<Interest>>& interests) const;
  void add_interest(TypeId type, bool is_derived, std::vector<Interest>& interests, RuleId rule) const;
  void forget_state_of(std::span<const RuleId> rules, std::span<const StartId> shorter,
                       const std::vector<bool>& is_over);
  void prefetch_noted(std::span<const Noted> coming) const;
  bool is_of_nobody(const RuleState& state, const std::vector<bool>& is_over) const;
  void look_for_state_of(const std::vector<bool>& is_over, uint32_t table);
  void grow();
  void note_seen_types();
  void take_interest(std::span<const RuleId> rules, RuleId known_rules, TypeId known_types);
  void build_interests_of(TypeId type, bool is_derived, std::vector<Interest>& interests) const;
  void build_starts(TypeId type, bool is_derived, Interest& interest, RuleId rule) const;
  void pass_time(int64_t time_us);
  template <typename At>
  void prefetch_keys(size_t count, const At& at);
  void prefetch_rows();
  uint32_t hash_of_key(const Table& table, const Event& event);
  const Foreseen* foreseen_keys(const Event& event);
  // Nothing comes of it but the time and the sequence: what most events are to most programs.
  bool only_passes(const Event& event) const {
    const bool is_seen = event.is_derived || event.is_broken || is_seen_[event.type] != 0;
    const bool makes_due = event.time_us > std::min(deadline_us(), newcomers_due_us_) || sweeps_.is_due(event.time_us);
    return !is_seen && !makes_due && clock_us_ != std::numeric_limits<int64_t>::min() && event.time_us >= clock_us_;
  }
  // What is due before it is met by any later time.
  int64_t deadline_us() const { return timers_.empty() ? INT64_MAX : timers_.earliest().deadline_us; }
  void number(const Event& event) {
    counters_.events = event.sequence;  // of several engines none has to see all
    derived_before_event_ = derived_;
    sequence_ = event.sequence + derived_;
  }
  void take(const Event& event);
  void see(const Event& event, const std::vector<Interest>& interests, const Foreseen* keys);
  void see_received(const Event& event);
  void see_derived(const Event& event);
  void step_broken(const Event& event);
  void prepare_violations();
  void emit_from(size_t first_match);
  void prepare_emits();
  bool emit(const Match& match, const ActionProgram& action, uint32_t place);
  void visit(const Interest& interest, uint32_t routes, std::string_view key, uint32_t hash);
  void step_states(const Interest& interest, PartitionId partition, uint32_t routes);
  void build_followers(TypeId type, bool is_derived, Interest& interest, RuleId rule) const;
  const Transition* completing_way(const RuleProgram& rule, TypeId type, bool is_derived) const;
  void find_moved(const Followers& followers, RuleStateId list);
  void complete_oldest(uint32_t table, PartitionId partition, const Moved& moved, RuleStateId list);
  void step_sharing(const Interest& interest, PartitionId partition, uint32_t routes);
  void add_start(PartitionId partition, StartId start);
  bool add_to_full(StartId start, RuleState& list);
  uint64_t begun_by_all(PartitionId partition, StartId start, const RuleState& list);
  void admit_newcomers();
  bool stays_new(const Interest& interest, PartitionId newest, std::string_view key, uint32_t hash);
  bool may_move(const Interest& interest, const FirstEvent& first);
  bool take_room_for_newcomer(uint32_t table);
  PartitionId settle(uint32_t table, PartitionId newcomer);
  PartitionId partition_of(uint32_t table, std::string_view key, uint32_t hash);
  void settle_oldest(uint32_t table, size_t events_max);
  void let_newcomers_go(size_t events_max);
  int64_t newcomers_until_us(const Table& table) const;
  void note_newcomers_due();
  uint64_t pending_runs(const Table& table, PartitionId newest) const;
  RuleStateId list_in_hand(StartId start) const;
  RuleStateId find_list(PartitionId partition, RuleId rule) const;
  void begin_starts(RuleState& state, RuleStateId list);
  void note_stepped(PartitionId partition, StartId start, RuleStateId list);
  void free_idle(PartitionId partition, RuleStateId id, RuleStateId list);
  void free_idle_of(StartId start, PartitionId partition);
  int64_t alive_until(const RuleState& state) const;
  void visit_routes(const Interest& interest, const Event& event);
  RuleStateId add_rule_state(PartitionId partition, RuleId rule);
  template <typename Visit>
  void each_state(Visit visit) const;  // visit(partitions, partition, state)
  template <typename Visit>
  void each_measure_state(Visit visit) const;
  void begin_stream(int64_t time_us);
  void begin_rule(RuleId rule, int64_t time_us);
  void note_state(uint32_t table, PartitionId partition, RuleState& state);
  void free_or_note(uint32_t table, PartitionId partition, RuleStateId id, RuleStateId list);
  void step_rule(uint32_t table, PartitionId partition, RuleStateId state, uint32_t routes,
                 RuleStateId list = index_none);
  void take_completions(RuleState& state, std::string_view key);
  uint64_t count_raised(const RuleState& state, const Completion& completion);
  void raise(RuleId rule, const Completion& completion, uint64_t count, std::string_view key);
  void sort_matches(size_t begin);
  void free_state(PartitionId partition, RuleStateId state, RunEnd why);
  void free_partition_if_empty(uint32_t table, PartitionId partition);
  RuleStateId find_state(Noted where) const;
  void meet_deadlines(int64_t until_us);
  void sweep(size_t states_max);
  void prefetch_swept();
  void enforce_limits(RuleId rule);
  void evict(Noted where, RuleStateId id);
  void evict_oldest(uint32_t first_table, uint32_t last_table, const RuleId* rule, std::vector<Oldest>& oldest);
  void set_key(uint32_t table, std::string_view key);
  Present& present() { return machines_.present(); }
  uint32_t state_words(RuleId rule) const { return starts_.is_list(rule) ? start_list_words : rule_state_words; }
  // Whether there is memory for a state at this place, whatever stands there.
  bool is_state(RuleStateId id) const { return words_.has(id, start_list_words); }
  void prefetch_state(RuleStateId id) const {  // the end of a list is mostly on the next line
    const char* const state = static_cast<const char*>(words_.at(id));
    __builtin_prefetch(state, 1);
    __builtin_prefetch(state + sizeof(StartList) - 1, 1);
  }
  RuleState& state_at(RuleStateId id) { return *static_cast<RuleState*>(words_.at(id)); }
  const RuleState& state_at(RuleStateId id) const { return *static_cast<const RuleState*>(words_.at(id)); }

  const Program& program_;
  const Limits limits_;
  const bool only_counts_;
  const Share share_;
  std::vector<bool> works_for_;  // by RuleId
  std::unique_ptr<Prepared> prepared_;
  CaptureStore captures_;
  WordPool words_;
  BytePool key_blocks_;
  Timers timers_;
  std::vector<RuleCounters> rule_counters_;
  EngineCounters counters_;
  Machines machines_;
  std::vector<Table> tables_;
  std::vector<uint32_t> table_of_rule_;
  SharedStarts starts_;
  std::vector<std::vector<Interest>> interests_;          // by TypeId
  std::vector<std::vector<Interest>> derived_interests_;  // of derived events
  std::vector<uint8_t> is_seen_;                          // by TypeId: of received events, by a rule or a history
  std::vector<bool> is_lenient_;                          // by TypeId: one that breaks its declaration is matched
  std::unique_ptr<Emits> emits_;                          // when a rule has an `emit`
  std::unique_ptr<Violations> violations_;                // when a rule names `schema_violation`
  int64_t clock_us_;
  uint64_t sequence_ = 0;  // of the newest event
  uint64_t derived_ = 0;   // events so far
  uint64_t derived_before_event_ = 0;
  MatchPlace place_;                  // of what is raised now
  std::vector<uint64_t> stepped_at_;  // by RuleId: the last event that its state of the key in hand saw
  uint64_t visit_number_ = 0;
  std::vector<Seen> lists_seen_;            // by StartId
  std::vector<Seen> sharing_seen_;          // by RuleId: of rules that share their start
  std::vector<RuleStateId> to_step_;        // of them, those with runs
  std::vector<RuleStateId> to_step_first_;  // of rules that share none
  // By rule and list: whether `first` and `last` of its states are runs. What other machines have there is theirs.
  std::vector<bool> has_runs_;
  std::vector<Moved> moved_;             // of a start's rules those that the event moves
  std::vector<RuleId> stepped_sharing_;  // of the rules that share their start, those with runs that the event has met
  std::vector<uint32_t> newcomer_tables_;                           // that have or admit them
  int64_t newcomers_due_us_ = std::numeric_limits<int64_t>::max();  // when the oldest of their events is over
  int64_t newcomer_room_bytes_ = 0;    // when it was counted, less those that have come since
  std::vector<FirstEvent*> settling_;  // of the key in hand
  std::vector<RuleId> added_;          // rules that got a state in this visit
  std::vector<Completion> completions_;
  std::vector<Match> matches_;
  std::string match_keys_;
  std::vector<KeptEvent*> match_histories_;
  bool has_histories_ = false;
  std::vector<Value> match_values_;
  std::string key_;  // of the partition in hand
  std::vector<std::string> route_keys_;
  std::vector<std::string_view> route_views_;
  std::span<const Event> coming_;  // what prefetch() was told, in one or the other way
  std::span<const Event* const> listed_;
  size_t next_listed_ = 0;
  std::vector<Foreseen> foreseen_;   // their keys: one for each event and interest with a single route
  std::vector<uint32_t> first_key_;  // of each of them
  std::vector<Lookup> lookups_;
  std::vector<std::pair<const StateRow*, const Interest*>> rows_;  // of these, keys with many states
  std::vector<RuleStateId> wanted_;                                // of their states those that the events concern
  std::vector<Value> key_values_;
  Sweeps sweeps_;
  std::vector<RuleId> gone_;              // between let_go() and take_on()
  mutable std::vector<uint64_t> shapes_;  // by rule, once they were asked for; 0: not yet
  std::vector<Noted> loaded_late_;        // states that are loaded of rules that are late for their start
  struct Window {
    int64_t number = -1;
    uint32_t count = 0;
  };
  std::vector<Window> limit_windows_;        // by RuleId
  std::vector<std::vector<Oldest>> oldest_;  // by RuleId, lists of starts too: those that go next, the very next last
  std::vector<Oldest> oldest_of_all_;
};

// What becomes of a state behind an event or a deadline.
inline void Engine::free_or_note(uint32_t table, PartitionId partition, RuleStateId id, RuleStateId list) {
  RuleState& state = state_at(id);
  if (machines_.is_idle(state)) {
    free_idle(partition, id, list);
  } else {
    note_state(table, partition, state);
  }
}

}  // namespace omen
