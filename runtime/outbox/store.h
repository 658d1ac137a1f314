// Store: what must not be forgotten between two runs, in one SQLite file, `state.db`.
//
//   outbox     a row for each (match, action, destination): the message, frozen, and how far its delivery has come
//   attempts   every try of every row: when, what came of it
//   meta       the watermark W (the last sequence of the log whose matches are all here), the epoch, and what else a
//              service keeps by name
//   rules      the texts of the rules as they are loaded
//   holds      destinations to which nothing is sent until somebody has looked
//
// All writing stands between begin() and commit(W, synced): rows, results and W go in together. A row that is there
// already (same id and destination) is left as it is: a replay adds nothing twice.
//
// WAL, synchronous=NORMAL: all of it can be derived again from the log, so a power cut may cost the newest commits,
// never the file. One connection with the lock for itself; whoever wants to read asks the process that holds it.
// Rows and meta values carry a checksum: a flipped bit is found when it is read.
//
// INVARIANTS (asserted): W <= synced at every commit, W never goes back; nothing is written outside a transaction.
// NOT HERE: when to try again (retry.h, outbox.h), sending (delivery.h).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/status.h"
#include "runtime/outbox/message.h"

namespace omen {

class Database;
class Statement;

// The numbers are in the file.
enum class RowState : uint8_t {
  due = 0,  // to be tried, at its next time
  delivered = 1,
  dead = 2,     // given up; `omen outbox retry` makes it due again
  held = 3,     // its destination is on hold
  dropped = 4,  // somebody has decided that it shall not be sent
};
std::string_view state_name(RowState state);
std::optional<RowState> state_of_name(std::string_view name);

struct OutboxRow {
  Message message;
  RowState state = RowState::due;
  uint32_t attempts = 0;  // since it was made due by hand, or ever
  int64_t next_us = 0;    // wall clock: not before
  int64_t first_us = 0;   // of the first of these attempts; 0: none
  int64_t last_us = 0;
  int32_t last_status = 0;
  std::string last_error;
};

// What an attempt has changed.
struct RowChange {
  RowState state = RowState::due;
  int64_t next_us = 0;
  bool is_fresh_start = false;  // attempts and first time count from now
};

// Which rows: all that is given must hold.
struct RowFilter {
  std::optional<int64_t> number;
  std::string id;  // of a message or an alert, or how it begins
  std::string destination, rule, key;
  std::optional<RowState> state;
  std::optional<int64_t> since_us, until_us;  // created; until is excluded
  int64_t after_number = 0;                   // for paging: only rows behind this one (before it when newest_first)
  bool newest_first = false;
  uint32_t limit = 100;
};

struct StoreCounts {
  uint64_t due = 0, delivered = 0, dead = 0, held = 0, dropped = 0;
};

struct StoreOptions {
  std::string vfs;                     // of SQLite; empty: the operating system's. For tests with a simulated disk
  std::string omen_version;            // noted in the file
  int checkpoint_pages = 4'000;        // a commit that leaves so many in the WAL has them written into the file
  uint64_t delivered_max = 1'000'000;  // finished rows that are kept: prune() drops the oldest
  int64_t delivered_for_us = 90ll * 86'400'000'000;  // and those older than this
};

// Why a call has failed, for those who must choose what to do.
enum class StoreFault : uint8_t {
  none,
  full,    // no room: everything is as before the transaction; try again later
  locked,  // another process has the file
  newer,   // made by a newer Omen
  broken,  // input/output error, corruption, a checksum that does not fit: stop and say so
};

class Store {
 public:
  // Opens or makes the file. The folder must exist, and is to be synced afterwards, before anything that is committed
  // is relied on: SQLite deletes its journal when WAL begins and does not sync that; were it to come back with a power
  // cut, it would undo all that came after. A file of a newer version is left untouched.
  static Result<std::unique_ptr<Store>> open(const std::string& path, const StoreOptions& options = {},
                                             StoreFault* fault = nullptr);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // ---- writing ----
  // The first one, and one after a commit that failed, is a checkpoint, too: nothing is written behind what the last
  // process, or that commit, has left in the WAL. It may need room.
  Status begin();
  // Everything since begin(), and W, together. `synced` is the last sequence of the log that is durable.
  Status commit(uint64_t watermark, uint64_t synced);
  // Undoes everything since begin(). Does nothing outside a transaction. A failed call leaves the transaction open.
  void abandon();
  bool is_in_transaction() const { return is_open_; }

  // Whether it was new. It is due at next_us, or held when its destination is.
  Result<bool> add(const Message& message, int64_t next_us);
  int64_t last_number() const { return last_number_; }  // of the row that was added last
  Status record(const Attempt& attempt, const RowChange& change);
  // The same of a row as row() has just read it.
  Status record(const OutboxRow& row, const Attempt& attempt, const RowChange& change);
  // Changes a row without an attempt.
  Status change(int64_t number, const RowChange& change);
  // All rows that fit: dead, held and due ones become due now, with attempts counted anew; redelivers delivered and
  // dropped ones too when `of_any_state`. Returns how many. Rows of destinations on hold stay held: release() those.
  Result<uint64_t> retry(const RowFilter& filter, int64_t now_us, bool of_any_state = false);
  // Dead, held and due rows that fit become dropped. Returns how many.
  Result<uint64_t> drop(const RowFilter& filter, int64_t now_us);
  // Due rows of the destination become held, and new ones are; until release().
  Status hold(const std::string& destination, const std::string& reason, int64_t now_us);
  // Returns how many rows became due.
  Result<uint64_t> release(const std::string& destination, int64_t now_us);
  // Delivered and dropped rows beyond what is kept, with their attempts; at most `limit` of them. Returns how many.
  Result<uint64_t> prune(int64_t now_us, uint32_t limit = 1'000);
  Status set_meta(const std::string& name, const std::string& value);
  Status set_rules(const std::map<std::string, std::string>& texts);  // by path
  Status set_epoch(uint64_t epoch);

  // Writes the WAL back into the file and syncs both: before a segment of the log is removed. Outside a transaction.
  Status checkpoint();

  // ---- reading ----
  uint64_t watermark() const { return committed_.watermark; }  // as committed
  uint64_t epoch() const { return committed_.epoch; }
  uint64_t commits() const { return commits_; }  // transactions since it was opened
  uint64_t abandons() const { return abandons_; }
  Result<std::optional<std::string>> meta(const std::string& name);
  Result<std::map<std::string, std::string>> rules();
  // Rows of the destination whose time has come, by time and number; of those in `but` no more than the number is read.
  // At most `limit`, and none behind the one with which their messages have `bytes_max`.
  Result<std::vector<OutboxRow>> due(const std::string& destination, int64_t now_us, uint32_t limit,
                                     const std::set<int64_t>& but = {}, uint64_t bytes_max = UINT64_MAX);
  // The earliest time behind `after_us` at which a row of the destination is due.
  Result<std::optional<int64_t>> next_due_us(const std::string& destination, int64_t after_us);
  Result<std::vector<OutboxRow>> list(const RowFilter& filter);
  Result<std::optional<OutboxRow>> row(int64_t number);
  Result<std::vector<Attempt>> attempts(int64_t number);
  // Of all destinations, or one; cheap.
  StoreCounts counts() const;
  StoreCounts counts(const std::string& destination) const;
  std::vector<std::string> destinations() const;  // that have rows
  // When the oldest row was made that is still due or held.
  Result<std::optional<int64_t>> oldest_waiting_us();
  // Destinations on hold, with the reason.
  const std::map<std::string, std::string>& holds() const { return known_.holds; }

  // Of the last call that failed.
  StoreFault fault() const;

 private:
  using States = std::array<uint64_t, 5>;  // rows by state
  // What is kept in memory of the file; as of the last commit, and in the transaction.
  struct Known {
    uint64_t watermark = 0, epoch = 0;
    std::map<std::string, std::string> holds;
    std::map<std::string, States> rows;  // by destination
  };

  Store(std::unique_ptr<Database> database, StoreOptions options);
  Status prepare();
  Status make_schema();
  Status read_known();
  Status write_meta(const std::string& name, const std::string& value);
  Status write_progress(const OutboxRow& before, const OutboxRow& after);
  // Applies `edit` to each row that fits; it returns whether it has changed the row.
  template <typename Edit>
  Result<uint64_t> edit_rows(const RowFilter& filter, Edit edit);
  Result<std::vector<OutboxRow>> read_rows(Statement& statement);

  std::unique_ptr<Database> database_;
  StoreOptions options_;
  Known known_, committed_;
  uint64_t commits_ = 0, abandons_ = 0;
  int64_t last_number_ = 0;
  bool is_open_ = false;     // a transaction is
  bool is_wal_new_ = false;  // has nothing of the last process, nor of a commit that failed
};

}  // namespace omen
