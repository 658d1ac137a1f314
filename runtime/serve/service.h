// Service: the one thread that writes. What has come in becomes durable, is matched, and what comes of it is committed.
//
//   repeat
//     take what has come into the intake
//       decode; append the good events to the log as one frame; step the engine           (write)
//     no event came and something is due: a tick, which stands in the log as well
//     sync the log, then acknowledge                                                       (settle)
//     one transaction: rows for the matches, results of deliveries, the watermark W
//     hand committed rows to delivery                                          (service_commit.cc)
//     now and then a snapshot, by a copy of the process (aside.h), and old segments go     (housekeeping)
//     commands: rules are changed, listed, paused; the outbox is asked
//
// What others see waits for the disk: nobody is acknowledged before the sync, no row is committed before it, none is
// delivered before its commit. The engine alone runs ahead; what it has in memory a crash takes with it, and recovery
// makes it again from the log: newest snapshot with S <= W, then the records behind it (service_recovery.cc).
//
// Under `durability = off` nobody waits: subscribers see an alert when its match is found, and sync and transaction are
// done by a thread of their own beside the rounds, in the same order.
//
// A store without room is no end: what is in the log waits for its commit, nothing more is taken, and commands are
// answered. The commit is tried again until there is room, or by the next start.
//
// INVARIANTS (asserted by log and store): W <= synced at each commit; only committed rows are offered to delivery.
//
// Threads: all is the writer's but what says otherwise. What a commit uses is that of whoever does it until its end has
// been taken: store, outbox, and commit_.
// NOT HERE: sockets (http, lines), the compiler (handed in), when a delivery is tried again (outbox).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "runtime/io/quarantine.h"
#include "runtime/io/tables.h"
#include "runtime/log/data_folder.h"
#include "runtime/log/disk.h"
#include "runtime/log/log.h"
#include "runtime/model/status.h"
#include "runtime/outbox/delivery.h"
#include "runtime/outbox/outbox.h"
#include "runtime/outbox/store.h"
#include "runtime/serve/aside.h"
#include "runtime/serve/beside.h"
#include "runtime/serve/configured.h"
#include "runtime/serve/intake.h"
#include "runtime/serve/messages.h"
#include "runtime/serve/pipeline.h"
#include "runtime/serve/rule_set.h"
#include "runtime/serve/rules_part.h"
#include "runtime/serve/snapshot_parts.h"

namespace omen {

struct ServiceOptions {
  std::string data;  // the folder of all that is kept; made when there is none
  PipelineOptions pipeline;
  LogOptions log;
  StoreOptions store;
  DeliveryOptions delivery;
  uint64_t snapshot_records = 1'000'000;  // behind so many records of the log, or
  int64_t snapshot_us = 60'000'000;       // after so much time with any, whichever is first
  // Under `off` so much lies between two, but where the log is beyond its retention: all pages that the writer changes
  // while there is a copy of the process are copied first, for which events wait.
  int64_t snapshot_apart_us = 30'000'000;
  uint64_t aside_from_bytes = 1u << 20;        // a smaller state is saved at once: a copy of the process takes longer
  uint64_t last_snapshot_bytes = 64u << 20;    // a larger state is not written when it ends: that would take too long
  Retention retention;                         // of the log
  uint64_t quarantine_bytes_max = 256u << 20;  // beyond it the oldest lines go; counted quarantine_given_up_bytes
  int64_t commit_apart_us = 20'000;            // under `off`, unless delivery waits: together rows share pages
  bool takes_short_turns = true;               // its thread may interrupt whoever has the core for long (io/turns)
  int64_t room_every_us = 1'000'000;           // on a full disk: how often it looks for room
  // For tests: a disk that is nobody else's, so that the folder is not locked, and the quarantine only counts. The
  // store has its own way there: store.vfs. Nothing: the operating system's.
  Disk* disk = nullptr;
  // Without it a change of rules has all of them compiled (rules_part.h).
  CompileChange compile_change;
  // What happened, for the log of the service. Called by the writer's thread.
  std::function<void(const std::string& line, bool is_problem)> say;
  // Messages as they are committed, for subscribers; under `durability = off` soon after their match is found, several
  // together, for each call may wake a thread that takes the writer's core. Called by the writer's thread.
  std::function<void(std::span<const Message> messages)> publish;
};

// What a command says that found no room begins so; nothing has come of it.
inline constexpr std::string_view disk_is_full = "the disk is full";

// What a rule in force is called. It is the same one in each view: only that of a rule that changes is made anew.
struct RuleLabel {
  std::string name, severity, file, version;
};

struct RuleStatus {
  std::shared_ptr<const RuleLabel> label;
  bool is_paused = false;
  uint64_t keys = 0, matches = 0;
};

// What is told of a service: a copy made between two rounds. Any thread may read it.
struct ServiceView {
  uint64_t events = 0, rejected = 0, late = 0, duplicates = 0, refused = 0, ticks = 0;
  std::array<uint64_t, reason_names.size()> rejected_by_reason{};
  uint64_t last_sequence = 0, synced_sequence = 0, watermark = 0, snapshot_sequence = 0;
  uint64_t snapshots = 0, syncs = 0, commits = 0;
  uint64_t quarantine_given_up_bytes = 0;
  int64_t clock_us = 0;
  uint64_t live_runs = 0, partitions = 0, state_bytes = 0;
  uint64_t keys_evicted = 0;  // by limits
  std::vector<RuleStatus> rules;
  std::shared_ptr<const Program> mappings;  // of the rules in force, and what they need; nullptr: there are none
  OutboxCounters outbox;
  StoreCounts rows;
  std::vector<LaneReport> lanes;
  bool is_full = false;   // the disk has no room
  bool is_ready = false;  // recovered, and taking events
};

class Service {
 public:
  // Opens or makes the data folder, recovers, and puts `rules` into force when they differ from those in the log.
  // An error says what is wrong and what to do.
  static Result<std::unique_ptr<Service>> open(ServiceOptions options, Compile compile, const RuleSet& rules);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Until stop(), then: takes what has come, syncs, commits, snapshots. An error is one after which nothing may be
  // acknowledged any more: the disk, the store.
  Status run();
  // Any thread.
  void stop();
  // Any thread: run() has returned.
  bool has_ended() const { return has_ended_; }
  Intake& intake() { return intake_; }
  std::shared_ptr<const ServiceView> view() const;

  // Any thread: `command` is run by the writer between two rounds. It answers by whatever it captures.
  void ask(std::function<void(Service&)> command);

  // ---- commands: within ask() ----
  const RuleSet& rules() const { return rules_; }
  const Program& program() const { return pipeline_->program(); }
  const CompiledRules& compiled() const { return *pipeline_->rules(); }
  std::vector<RuleStatus> rule_statuses() const;
  Store& store() { return *store_; }
  Outbox& outbox() { return *outbox_; }
  using RulesDone = std::function<void(Result<std::vector<RuleChange>>)>;
  // What putting these rules into force would do, or what the compiler has against it.
  void plan_rules(RuleSet rules, RulesDone done);
  // Compiles, makes the state of new and changed rules from the log in a thread of its own, and puts them into force at
  // one place of the stream. `done` is called by the writer's thread, with what became of each rule or why not.
  void change_rules(RuleSet rules, RulesDone done);
  // Matches of a paused rule raise nothing; its state goes on. An error: there is no such rule, or the log has no room.
  Status pause(const std::string& rule, bool is_paused);
  // Entries of the quarantine that are dealt with: fed again, or not wanted.
  Status note_quarantine_done(std::span<const std::string> ids);
  // Within a transaction of its own; then rows are looked for again.
  Status change_outbox(const std::function<Status(Store&)>& change);

 private:
  Service(ServiceOptions options, Compile compile);

  // service_recovery.cc
  Status open_files();
  Status recover(const RuleSet& rules);
  Result<uint64_t> load_snapshot();
  Status replay(uint64_t after);
  Status begin(const RuleSet& rules);
  struct Coming {
    uint64_t sequence = 0;                   // of the record that says so
    Result<std::unique_ptr<Player>> player;  // an error counts when they come
  };
  Result<std::unique_ptr<Player>> make_coming(const RulesRecord& record, uint64_t through) const;
  Status replay_rules(const Playback::Step& step, bool has_gaps);
  Status replay_config(const Playback::Step& step, const Playback::Note& note);

  // service_snapshots.cc
  struct KeptState {  // of which a snapshot is written once W covers it
    uint64_t sequence = 0;
    std::function<Status()> write;  // any thread
    bool is_aside = false;          // that only lets the copy of the process begin
    Status written = Status::ok();
  };
  KeptState keep_state();
  void write_snapshot_of(KeptState& kept);
  void end_snapshot(KeptState kept);
  Status take_snapshot();
  void hold_snapshot(uint64_t sequence);
  Status go_on_without_snapshot(const Status& failed);
  Status check_snapshot();
  Status finish_snapshot();
  bool is_snapshot_due() const;
  bool holds_pruning_up(uint64_t records) const;
  struct Pruning {                    // what is over its time or size, behind a commit
    std::optional<Log::Pruning> log;  // nothing: all of it is kept
    Status rows = Status::ok();
  };
  bool has_to_prune() const;
  Result<Pruning> begin_prune();
  Status prune_rows();
  Status end_prune(const Pruning& pruning);

  // service_config.cc
  Status take_options();
  Status put_config(StreamConfig next, bool& is_done);
  void hold_config(StreamConfig next, uint64_t sequence);
  Status refresh_tables();
  Result<std::map<std::string, std::string>> read_tables(const Program& program, const Program* before) const;
  void drop_tables(uint64_t log_first);
  Status mark_place();

  // service_rules.cc
  struct Warming;
  void start_warming(RuleSet rules, bool is_plan, RulesDone done);
  Status check_warming();
  void start_warming(std::unique_ptr<Warming> warming);
  Status begin_state(Warming& warming);
  Status begin_saving(Warming& warming, Status& refused);
  void give_state(Warming& warming, const Status& state);
  Status finish_warming();
  Status put_in_force(Warming& warming);
  std::map<std::string, std::string> tables_with(const Warming& warming) const;
  RulesRecord record_of(const Warming& warming) const;
  Status put_rules(RecordKind kind, const std::string& text, uint64_t& sequence, Status& refused);
  Status set_destinations(const Program& program);
  void adopt(RuleSet rules, std::unique_ptr<Pipeline> pipeline);
  Status use(RuleSet rules, std::unique_ptr<Pipeline> pipeline);
  void retire(std::unique_ptr<Pipeline> pipeline);
  void label(RuleId rule);

  // service_part.cc
  bool warm_part(Warming& warming, const Program& before);
  Status put_part_in_force(Warming& warming);

  // service_warming.cc
  Status warm(Warming& warming, const Program& before);
  Status join_state(Warming& warming, std::unique_ptr<Player> rebuilt);
  Status catch_up(Player& player, Warming& warming) const;
  Result<std::unique_ptr<Player>> follow(const SharedRules& rules, const StreamConfig& config,
                                         std::map<std::string, std::string> tables,
                                         const std::vector<RuleChange>& changes, const SnapshotParts& saved,
                                         std::unique_ptr<Player> rebuilt, const std::atomic<bool>* is_given_up) const;
  uint64_t warm_from(std::optional<int64_t> horizon_us, int64_t clock_us, uint64_t log_first, uint64_t through) const;
  Status play(Player& player, uint64_t from, uint64_t through, const std::atomic<bool>* is_given_up) const;

  // service_commit.cc
  bool runs_ahead() const { return options_.log.durability.mode == Durability::Mode::off; }
  void note_matches(uint64_t after);
  void publish(std::span<const Message> messages) const;
  void publish_found();
  Status settle(bool is_last);
  void acknowledge();
  bool has_to_commit() const;
  bool is_commit_due(bool is_last) const;
  Status commit();
  Status begin_commit();
  Status do_commit();
  Status transact();
  Status look_at_commit();
  Status await_commit();
  Status end_commit(const Status& done);
  void note_store();

  // service.cc
  Status rounds();
  Status finish();
  Status advance();
  Status write(Batch& batch);
  Status append(const Decoder::Batch& decoded, std::vector<EventOutcome>& outcomes, std::string_view source,
                bool& is_refused);
  void note_broken(const Event& event, std::string_view source);
  void note_full(const std::string& line);
  void note_room();
  Status look_for_room();
  Status tick_if_due();
  Status no_room_for_command(const std::string& problem);
  Status housekeeping();
  Status run_commands();
  void publish_view();
  Intake::TimePoint next_look() const;
  void say(const std::string& line, bool is_problem = false) const;

  const ServiceOptions options_;
  const Compile compile_;
  Disk& disk_;
  const Pipelines pipelines_;
  Intake intake_;
  RuleSet rules_;
  StreamConfig config_;  // in force, as the log says
  std::unique_ptr<FolderLock> lock_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Messages> messages_;
  std::vector<std::shared_ptr<const RuleLabel>> labels_;  // by rule; nullptr: its place is empty
  std::shared_ptr<const Program> mappings_;               // what other threads may read while rules change
  Quarantine quarantine_;

  // Of the round in hand.
  struct Waiting {
    std::function<void(std::span<const EventOutcome>)> done;
    std::vector<EventOutcome> outcomes;
  };
  std::vector<Batch> batches_;
  std::vector<Waiting> unacknowledged_;
  std::vector<Message> unsent_;  // of matches of which no commit has begun
  uint64_t unsent_bytes_ = 0;    // of their texts
  size_t unpublished_ = 0;       // the last ones of them, that are to be published before any commit begins
  size_t stepped_events_ = 0;    // since something was published
  std::vector<LogRecord> records_;
  std::vector<size_t> record_events_;  // which event of the decoder's batch each is
  std::vector<Violation> violations_;
  std::string lines_;  // of the batch in hand, padded

  std::map<std::string, FileVersion> table_files_;  // as they were when they were last read
  int64_t tables_looked_us_ = 0;
  uint64_t marked_segment_ = 0;  // the first sequence of the newest segment that has a place

  Aside aside_;  // writes a snapshot, or does nothing
  uint64_t aside_sequence_ = 0;
  uint64_t snapshot_sequence_ = 0;         // of the last one that was written
  uint64_t snapshot_wanted_ = 0;           // one of this record or a later one is to be written soon
  bool keeps_state_ = false;               // the next commit has a snapshot of its place behind it
  Status snapshot_status_ = Status::ok();  // of one that a commit had behind it; not ok: to be told
  std::string snapshot_problem_;           // of the last one that was not written
  bool is_to_prune_ = false;
  int64_t snapshot_begun_us_ = 0, snapshot_took_us_ = 0;
  int64_t snapshot_us_ = 0, snapshot_failed_us_ = INT64_MIN / 2, view_us_ = 0, full_said_us_ = 0, room_looked_us_ = 0;
  bool outbox_is_full_ = false;  // a receiver is behind, as of the last commit, or round without one under way
  bool store_is_full_ = false;   // the last commit found no room
  int64_t next_commit_us_ = 0;   // one that nobody waits for: not before
  int64_t next_end_us_ = 0;      // of a segment for whose successor there was no room: not before
  int64_t commit_again_us_ = 0;  // when it is tried again
  std::shared_ptr<Warming> warming_;
  std::optional<Coming> coming_;  // of recovery: rules that the log says are coming, with their state
  std::thread retiring_;          // frees a large state that is no longer in force
  ServiceView counters_;

  std::atomic<bool> has_ended_ = false;
  std::atomic<bool> has_attempts_ = false;  // delivery has results
  std::mutex commands_mutex_;
  std::vector<std::function<void(Service&)>> commands_;
  mutable std::mutex view_mutex_;
  std::shared_ptr<const ServiceView> view_;

  // What the commit under way has taken.
  struct Commit {
    std::vector<Message> messages;
    uint64_t watermark = 0;  // W, once it is done
    Log::Sync sync;
    std::optional<KeptState> kept;
    std::optional<Pruning> pruning;
  };
  Commit commit_;
  Beside beside_;  // does it; the last member, so that it is at its end before anything else goes
};

}  // namespace omen
