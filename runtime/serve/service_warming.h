// Warming: a change of rules on its way into force (service_rules.cc). One that goes into the program in force in place
// (rules_part.h) is `ready` right behind `making`: nothing has to be saved for it. A thread of its own makes the state
// (warm, in service_warming.cc); the writer gives it a place of the stream to join at, and takes over what it has made.
//
//   stage          who is at work
//   making         the thread: compiles, and plays the log for what is new or has changed
//   wants_state    the writer: saves the state, a large one by a snapshot, and notes in the log that these rules come
//   saving         the snapshot is being written
//   has_state      the thread: all rules go on from that state, those made anew from what it has played up to there,
//                  and catch up with the stream
//   ready          the writer: plays the few records that are left, and switches
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "runtime/serve/service.h"

namespace omen {

enum class Stage : uint8_t { making, wants_state, saving, has_state, ready };

struct Service::Warming {
  RuleSet rules;
  bool is_plan = false;
  std::vector<std::string> paused;  // in force when it began
  std::vector<RuleFile> before;     // likewise
  bool is_whole = false;            // all rules are to be compiled
  std::optional<RulesPart> part;    // of one that is not
  std::vector<RuleChange> changes;
  RulesDone done;
  StreamConfig config;     // in force when it began
  int64_t clock_us = 0;    // of the engine then
  uint64_t log_first = 0;  // of the log then
  SharedRules compiled;
  std::map<std::string, std::string> tables;  // those that are new, with the hash of their rows
  uint64_t from = 0;                          // where the log was played from; 0: its beginning
  uint64_t coming_at = 0;                     // the record that says so; the state is that of the one before
  std::string saved;                          // a snapshot's bytes; empty: they are in its file
  std::unique_ptr<Player> player;             // what is to be in force
  uint64_t next = 0;                          // the record to play next; 0: the first that there is
  Status status = Status::ok();
  std::atomic<uint64_t> head = 0;  // the last durable sequence, as the writer tells
  std::atomic<Stage> stage = Stage::making;
  std::atomic<bool> is_given_up = false;
  std::thread thread;

  Warming() = default;
  Warming(const Warming&) = delete;
  Warming& operator=(const Warming&) = delete;
  ~Warming() {
    is_given_up = true;
    set(Stage::has_state);
    if (thread.joinable()) thread.join();
  }

  void set(Stage next) {
    stage = next;
    stage.notify_all();
  }
  // By the thread: until the writer has given a state or a reason against it.
  void wait_for_state() {
    for (Stage now = stage; now != Stage::has_state && !is_given_up; now = stage) stage.wait(now);
  }
};

}  // namespace omen
