// Whatever order workers come and go in: pieces are read, put into the stream and told in order, an engine goes over
// each round once, and nothing is used again before it is done with.
#include "runtime/io/schedule.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/generator.h"

namespace omen {
namespace {

using Kind = Schedule::Kind;
using reference::Choices;

// A run of workers that take a job, and have done it at any later time.
struct Simulation {
  struct Piece {
    uint64_t number = 0;
    uint64_t rounds_left = 0;  // that are still to be made of it
    bool is_decoded = false;
    uint64_t rounds_under_way = 0;
    bool waits = false;  // the next one was to wait until it is in order
  };
  struct Round {
    uint64_t number = 0;
    size_t piece = 0;
    std::vector<bool> matched;
  };

  Choices& choices;
  const size_t workers, engines;
  const bool has_bound;
  const uint64_t pieces_in_all;
  Schedule schedule;
  std::vector<Piece> pieces;
  std::vector<Round> rounds;
  uint64_t read = 0, made = 0, told = 0;
  bool is_rest_read = false, has_drained = false;
  std::vector<uint64_t> matched;  // by engine
  size_t busiest = 0;

  Simulation(Choices& from, size_t worker_count, bool bound)
      : choices(from),
        workers(worker_count),
        engines(worker_count + (bound ? 1 : 0)),
        has_bound(bound),
        pieces_in_all(choices.below(30)),
        schedule(workers, engines, bound),
        pieces(schedule.pieces()),
        rounds(schedule.rounds()),
        matched(engines) {}

  void begin(const Schedule::Job& job) {
    schedule.start(job);
    if (job.kind == Kind::order) CHECK(pieces[job.place].is_decoded);
    if (job.kind == Kind::match && has_bound && job.engine + 1 < engines) CHECK(rounds[job.place].matched.back());
    if (job.kind == Kind::tell) CHECK(std::ranges::count(rounds[job.place].matched, false) == 0);
  }

  void end(const Schedule::Job& job) {
    switch (job.kind) {
      case Kind::read:
        return end_read(job, pieces[job.place]);
      case Kind::decode:
        pieces[job.place].is_decoded = true;
        return schedule.has_decoded(job);
      case Kind::order: {
        Piece& piece = pieces[job.place];
        --piece.rounds_left;
        ++piece.rounds_under_way;
        rounds[job.round] = {made++, job.place, std::vector<bool>(engines)};
        return schedule.has_ordered(job, piece.rounds_left == 0);
      }
      case Kind::match:
        CHECK(rounds[job.place].number == matched[job.engine]++);
        CHECK(!rounds[job.place].matched[job.engine]);
        rounds[job.place].matched[job.engine] = true;
        return schedule.has_matched(job);
      case Kind::tell:
        CHECK(rounds[job.place].number == told++);
        --pieces[rounds[job.place].piece].rounds_under_way;
        return schedule.has_told(job);
    }
  }

  void end_read(const Schedule::Job& job, Piece& piece) {
    const bool may_wait = job.may_wait;
    if (!may_wait && choices.chance(10)) return schedule.has_read(job, Schedule::Read::nothing);
    CHECK(piece.rounds_left == 0);
    CHECK(piece.rounds_under_way == 0);
    if (read > 0 && read < pieces_in_all) {
      for (const Piece& other : pieces) CHECK((!other.waits || other.number + 1 != read || other.rounds_left == 0));
    }
    if (read == pieces_in_all && !has_drained) {
      has_drained = true;  // the end of the inputs
      return schedule.has_read(job, Schedule::Read::nothing);
    }
    if (has_drained && !is_rest_read) CHECK(may_wait);
    if (may_wait) CHECK(told == made);
    if (is_rest_read) return schedule.has_read(job, Schedule::Read::over);
    is_rest_read = has_drained;
    piece = {read++, 1 + choices.below(4) / 3 * choices.below(5), false, 0, has_drained || choices.chance(20)};
    schedule.has_read(job, piece.waits ? Schedule::Read::in_order : Schedule::Read::ahead);
  }

  void run() {
    std::vector<std::pair<size_t, Schedule::Job>> under_way;  // by whom
    while (!schedule.is_over()) {
      std::vector<size_t> idle;
      for (size_t worker = 0; worker < workers; ++worker) {
        if (std::ranges::count(under_way, worker, [](const auto& each) { return each.first; }) == 0) {
          idle.push_back(worker);
        }
      }
      const size_t worker = idle.empty() ? 0 : choices.of(idle);
      const auto job = idle.empty() ? std::nullopt : schedule.next(worker);
      if (job && choices.chance(60)) {
        begin(*job);
        under_way.emplace_back(worker, *job);
        busiest = std::max(busiest, under_way.size());
      } else if (!under_way.empty()) {
        const size_t which = choices.below(static_cast<uint32_t>(under_way.size()));
        end(under_way[which].second);
        under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(which));
      } else if (!job) {
        FAIL("nothing is under way, and nothing can be done");
      }
    }
    CHECK(under_way.empty());
    CHECK(read == pieces_in_all + 1);
    CHECK(told == made);
  }
};

}  // namespace

TEST_CASE("schedule: everything is done once and in order, whoever does it when") {
  std::vector<size_t> busiest(5);
  for (uint64_t seed = 0; seed < 2'000; ++seed) {
    CAPTURE(seed);
    Choices choices(seed);
    const size_t workers = 1 + choices.below(4);
    Simulation simulation(choices, workers, choices.chance(50));
    simulation.run();
    busiest[workers] = std::max(busiest[workers], simulation.busiest);
  }
  for (size_t workers = 1; workers < busiest.size(); ++workers) CHECK(busiest[workers] == workers);
}

}  // namespace omen
