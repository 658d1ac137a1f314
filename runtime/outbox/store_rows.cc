// The rows of the outbox: adding, what attempts and people change, finding them again.
#include <algorithm>

#include "runtime/outbox/check_sum.h"
#include "runtime/outbox/database.h"
#include "runtime/outbox/store.h"

namespace omen {
namespace {

constexpr std::array<std::string_view, 5> state_names = {"due", "delivered", "dead", "held", "dropped"};
constexpr int64_t edit_page = 200;  // rows in memory while many are changed

const std::string columns =
    "number, state, attempts, next_us, first_us, last_us, last_status, last_error, progress_check, id, destination, "
    "alert, rule, severity, key, is_record, end_us, sequence, created_us, message_check, title, text, body";

int64_t check_of(const Message& m) {
  return CheckSum()
      .add(m.id)
      .add(m.destination)
      .add(m.alert)
      .add(m.rule)
      .add(m.severity)
      .add(m.key)
      .add(m.is_record ? 1 : 0)
      .add(m.end_us)
      .add(static_cast<int64_t>(m.sequence))
      .add(m.created_us)
      .add(m.title)
      .add(m.text)
      .add(m.body)
      .value();
}

// With the id: a row is no other's.
int64_t progress_check_of(const OutboxRow& row) {
  return CheckSum()
      .add(row.message.id)
      .add(static_cast<int64_t>(row.state))
      .add(int64_t{row.attempts})
      .add(row.next_us)
      .add(row.first_us)
      .add(row.last_us)
      .add(int64_t{row.last_status})
      .add(row.last_error)
      .value();
}

bool is_finished(RowState state) { return state == RowState::delivered || state == RowState::dropped; }

}  // namespace

std::string_view state_name(RowState state) { return state_names[static_cast<size_t>(state)]; }

std::optional<RowState> state_of_name(std::string_view name) {
  const auto found = std::ranges::find(state_names, name);
  if (found == state_names.end()) return std::nullopt;
  return static_cast<RowState>(found - state_names.begin());
}

Result<bool> Store::add(const Message& message, int64_t next_us) {
  OMEN_ASSERT(is_open_);
  OutboxRow row;
  row.state = known_.holds.contains(message.destination) ? RowState::held : RowState::due;
  row.next_us = next_us;
  row.message.id = message.id;
  Statement insert = database_->prepare(
      "INSERT INTO outbox(state, attempts, next_us, first_us, last_us, last_status, last_error, progress_check, id, "
      "destination, alert, rule, severity, key, is_record, end_us, sequence, created_us, message_check, title, text, "
      "body) VALUES(?, 0, ?, 0, 0, 0, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
  insert.bind(static_cast<int64_t>(row.state)).bind(next_us).bind(progress_check_of(row));
  insert.bind(message.id).bind(message.destination).bind(message.alert).bind(message.rule).bind(message.severity);
  insert.bind(message.key).bind(message.is_record ? 1 : 0).bind(message.end_us);
  insert.bind(static_cast<int64_t>(message.sequence)).bind(message.created_us).bind(check_of(message));
  insert.bind(message.title).bind(message.text).bind(message.body);
  if (!insert.run()) return database_->failure("adding a row");
  if (database_->changes() == 0) return false;
  last_number_ = database_->last_row();
  ++known_.rows[message.destination][static_cast<size_t>(row.state)];
  return true;
}

Status Store::write_progress(const OutboxRow& before, const OutboxRow& after) {
  OMEN_ASSERT(is_open_);
  Statement update = database_->prepare(
      "UPDATE outbox SET state = ?, attempts = ?, next_us = ?, first_us = ?, last_us = ?, last_status = ?, "
      "last_error = ?, progress_check = ? WHERE number = ?");
  update.bind(static_cast<int64_t>(after.state)).bind(int64_t{after.attempts}).bind(after.next_us).bind(after.first_us);
  update.bind(after.last_us).bind(int64_t{after.last_status}).bind(after.last_error);
  update.bind(progress_check_of(after)).bind(before.message.number);
  if (!update.run()) return database_->failure("changing a row");
  States& states = known_.rows[before.message.destination];
  --states[static_cast<size_t>(before.state)];
  ++states[static_cast<size_t>(after.state)];
  return Status::ok();
}

Status Store::record(const Attempt& attempt, const RowChange& change) {
  auto found = row(attempt.number);
  if (!found) return Status::error(found.message());
  if (!found.value()) return Status::ok();  // pruned meanwhile
  return record(*found.value(), attempt, change);
}

Status Store::record(const OutboxRow& before, const Attempt& attempt, const RowChange& change) {
  OutboxRow after = before;
  ++after.attempts;
  if (after.first_us == 0) after.first_us = attempt.begun_us;
  after.last_us = attempt.begun_us;
  after.last_status = attempt.status;
  after.last_error = attempt.error;
  // What somebody has decided while the attempt was going on stands, unless it has arrived.
  if (!is_finished(before.state) || change.state == RowState::delivered) {
    after.state = change.state;
    after.next_us = change.next_us;
    if (after.state == RowState::due && known_.holds.contains(before.message.destination)) after.state = RowState::held;
  }
  Statement insert = database_->prepare(
      "INSERT INTO attempts(number, begun_us, took_us, verdict, status, error) VALUES(?, ?, ?, ?, ?, ?)");
  insert.bind(attempt.number).bind(attempt.begun_us).bind(attempt.took_us);
  insert.bind(static_cast<int64_t>(attempt.verdict)).bind(int64_t{attempt.status}).bind(attempt.error);
  if (!insert.run()) return database_->failure("recording an attempt");
  return write_progress(before, after);
}

Status Store::change(int64_t number, const RowChange& change) {
  auto found = row(number);
  if (!found) return Status::error(found.message());
  if (!found.value()) return Status::ok();
  OutboxRow after = *found.value();
  after.state = change.state;
  after.next_us = change.next_us;
  if (change.is_fresh_start) after.attempts = 0, after.first_us = 0;
  return write_progress(*found.value(), after);
}

template <typename Edit>
Result<uint64_t> Store::edit_rows(const RowFilter& filter, Edit edit) {
  OMEN_ASSERT(is_open_);
  uint64_t changed = 0;
  RowFilter page = filter;
  page.newest_first = false;
  page.limit = edit_page;
  for (;;) {
    auto rows = list(page);
    if (!rows) return Status::error(rows.message());
    for (const OutboxRow& row : rows.value()) {
      OutboxRow after = row;
      if (!edit(after)) continue;
      if (Status status = write_progress(row, after); !status) return status;
      ++changed;
    }
    if (rows.value().size() < page.limit) return changed;
    page.after_number = rows.value().back().message.number;
  }
}

Result<uint64_t> Store::retry(const RowFilter& filter, int64_t now_us, bool of_any_state) {
  return edit_rows(filter, [&](OutboxRow& row) {
    if (is_finished(row.state) && !of_any_state) return false;
    row.state = known_.holds.contains(row.message.destination) ? RowState::held : RowState::due;
    row.next_us = now_us;
    row.attempts = 0;
    row.first_us = 0;
    return true;
  });
}

Result<uint64_t> Store::drop(const RowFilter& filter, int64_t now_us) {
  return edit_rows(filter, [&](OutboxRow& row) {
    if (is_finished(row.state)) return false;
    row.state = RowState::dropped;
    row.last_us = now_us;
    return true;
  });
}

Status Store::hold(const std::string& destination, const std::string& reason, int64_t now_us) {
  OMEN_ASSERT(is_open_);
  Statement insert = database_->prepare("INSERT OR REPLACE INTO holds(destination, reason, since_us) VALUES(?, ?, ?)");
  if (!insert.bind(destination).bind(reason).bind(now_us).run()) return database_->failure("holding a destination");
  known_.holds[destination] = reason;
  RowFilter filter;
  filter.destination = destination;
  filter.state = RowState::due;
  // An empty name is standard output, which no reply can put on hold.
  OMEN_ASSERT(!destination.empty());
  const auto held = edit_rows(filter, [](OutboxRow& row) {
    row.state = RowState::held;
    return true;
  });
  return held ? Status::ok() : Status::error(held.message());
}

Result<uint64_t> Store::release(const std::string& destination, int64_t now_us) {
  OMEN_ASSERT(is_open_);
  if (destination.empty()) return uint64_t{0};
  Statement remove = database_->prepare("DELETE FROM holds WHERE destination = ?");
  if (!remove.bind(destination).run()) return database_->failure("releasing a destination");
  known_.holds.erase(destination);
  RowFilter filter;
  filter.destination = destination;
  filter.state = RowState::held;
  return edit_rows(filter, [&](OutboxRow& row) {
    row.state = RowState::due;
    row.next_us = now_us;
    row.attempts = 0;
    row.first_us = 0;
    return true;
  });
}

Result<uint64_t> Store::prune(int64_t now_us, uint32_t limit) {
  OMEN_ASSERT(is_open_);
  const StoreCounts all = counts();
  const uint64_t finished = all.delivered + all.dropped;
  const uint64_t beyond = finished > options_.delivered_max ? finished - options_.delivered_max : 0;
  std::vector<std::pair<int64_t, std::pair<std::string, int64_t>>> gone;
  {
    Statement oldest = database_->prepare(
        "SELECT number, destination, state, created_us FROM outbox WHERE state IN (1, 4) ORDER BY number LIMIT ?");
    oldest.bind(int64_t{limit});
    while (oldest.row()) {
      if (gone.size() >= beyond && oldest.integer(3) >= now_us - options_.delivered_for_us) break;
      gone.push_back({oldest.integer(0), {oldest.text(1), oldest.integer(2)}});
    }
    if (oldest.failed()) return database_->failure("pruning");
  }
  for (const auto& [number, row] : gone) {
    Statement attempts = database_->prepare("DELETE FROM attempts WHERE number = ?");
    Statement outbox = database_->prepare("DELETE FROM outbox WHERE number = ?");
    if (!attempts.bind(number).run() || !outbox.bind(number).run()) return database_->failure("pruning");
    --known_.rows[row.first][static_cast<size_t>(row.second)];
  }
  return static_cast<uint64_t>(gone.size());
}

Result<std::vector<OutboxRow>> Store::read_rows(Statement& statement) {
  std::vector<OutboxRow> rows;
  while (statement.row()) {
    OutboxRow& row = rows.emplace_back();
    Message& m = row.message;
    m.number = statement.integer(0);
    const int64_t state = statement.integer(1);
    row.state = static_cast<RowState>(state);
    row.attempts = static_cast<uint32_t>(statement.integer(2));
    row.next_us = statement.integer(3);
    row.first_us = statement.integer(4);
    row.last_us = statement.integer(5);
    row.last_status = static_cast<int32_t>(statement.integer(6));
    row.last_error = statement.text(7);
    m.id = statement.text(9);
    m.destination = statement.text(10);
    m.alert = statement.text(11);
    m.rule = statement.text(12);
    m.severity = statement.text(13);
    m.key = statement.text(14);
    m.is_record = statement.integer(15) != 0;
    m.end_us = statement.integer(16);
    m.sequence = static_cast<uint64_t>(statement.integer(17));
    m.created_us = statement.integer(18);
    m.title = statement.text(20);
    m.text = statement.text(21);
    m.body = statement.text(22);
    if (state < 0 || state > 4 || statement.integer(8) != progress_check_of(row) ||
        statement.integer(19) != check_of(m)) {
      return database_->broken("is damaged: the checksum of row " + std::to_string(m.number) + " does not fit");
    }
  }
  if (statement.failed()) return database_->failure("reading rows");
  return rows;
}

// The numbers alone are in the index.
Result<std::vector<OutboxRow>> Store::due(const std::string& destination, int64_t now_us, uint32_t limit,
                                          const std::set<int64_t>& but, uint64_t bytes_max) {
  std::vector<int64_t> numbers;
  {
    Statement statement = database_->prepare(
        "SELECT number FROM outbox WHERE state = 0 AND destination = ? AND next_us <= ? ORDER BY next_us, number "
        "LIMIT ?");
    statement.bind(destination).bind(now_us).bind(static_cast<int64_t>(limit + but.size()));
    while (numbers.size() < limit && statement.row()) {
      if (const int64_t number = statement.integer(0); !but.contains(number)) numbers.push_back(number);
    }
    if (statement.failed()) return database_->failure("reading rows");
  }
  std::vector<OutboxRow> rows;
  rows.reserve(numbers.size());
  uint64_t bytes = 0;
  for (const int64_t number : numbers) {
    if (bytes >= bytes_max) break;
    auto found = row(number);
    if (!found) return Status::error(found.message());
    if (!found.value()) return database_->broken("is damaged: row " + std::to_string(number) + " is in an index alone");
    bytes += found.value()->message.bytes();
    rows.push_back(std::move(*found.value()));
  }
  return rows;
}

Result<std::optional<int64_t>> Store::next_due_us(const std::string& destination, int64_t after_us) {
  Statement statement = database_->prepare(
      "SELECT next_us FROM outbox WHERE state = 0 AND destination = ? AND next_us > ? ORDER BY next_us LIMIT 1");
  statement.bind(destination).bind(after_us);
  if (statement.row()) return std::optional<int64_t>(statement.integer(0));
  if (statement.failed()) return database_->failure("reading rows");
  return std::optional<int64_t>();
}

Result<std::vector<OutboxRow>> Store::list(const RowFilter& filter) {
  std::string where = filter.newest_first && filter.after_number > 0 ? "number < ?" : "number > ?";
  if (filter.number) where += " AND number = ?";
  if (!filter.id.empty()) where += " AND id >= ? AND id < ?";
  if (!filter.destination.empty()) where += " AND destination = ?";
  if (!filter.rule.empty()) where += " AND rule = ?";
  if (!filter.key.empty()) where += " AND key = ?";
  const bool is_open = filter.state && !is_finished(*filter.state);
  if (filter.state) where += is_open ? " AND state IN (0, 2, 3) AND state = ?" : " AND state = ?";
  if (filter.since_us) where += " AND created_us >= ?";
  if (filter.until_us) where += " AND created_us < ?";
  Statement statement =
      database_->prepare("SELECT " + columns + " FROM outbox WHERE " + where +
                         (filter.newest_first ? " ORDER BY number DESC" : " ORDER BY number") + " LIMIT ?");
  statement.bind(filter.after_number);
  if (filter.number) statement.bind(*filter.number);
  if (!filter.id.empty())
    statement.bind(filter.id).bind(filter.id + '\x7f');  // ids are hexadecimal digits, - and digits
  if (!filter.destination.empty()) statement.bind(filter.destination);
  if (!filter.rule.empty()) statement.bind(filter.rule);
  if (!filter.key.empty()) statement.bind(filter.key);
  if (filter.state) statement.bind(static_cast<int64_t>(*filter.state));
  if (filter.since_us) statement.bind(*filter.since_us);
  if (filter.until_us) statement.bind(*filter.until_us);
  statement.bind(int64_t{filter.limit});
  return read_rows(statement);
}

Result<std::optional<OutboxRow>> Store::row(int64_t number) {
  static const std::string sql = "SELECT " + columns + " FROM outbox WHERE number = ?";
  Statement statement = database_->prepare(sql);
  statement.bind(number);
  auto rows = read_rows(statement);
  if (!rows) return Status::error(rows.message());
  if (rows.value().empty()) return std::optional<OutboxRow>();
  return std::optional<OutboxRow>(std::move(rows.value().front()));
}

Result<std::vector<Attempt>> Store::attempts(int64_t number) {
  std::vector<Attempt> out;
  Statement statement = database_->prepare(
      "SELECT begun_us, took_us, verdict, status, error FROM attempts WHERE number = ? ORDER BY rowid");
  statement.bind(number);
  while (statement.row()) {
    Attempt& attempt = out.emplace_back();
    attempt.number = number;
    attempt.begun_us = statement.integer(0);
    attempt.took_us = statement.integer(1);
    attempt.verdict = static_cast<Verdict>(std::clamp<int64_t>(statement.integer(2), 0, 5));
    attempt.status = static_cast<int32_t>(statement.integer(3));
    attempt.error = statement.text(4);
  }
  if (statement.failed()) return database_->failure("reading attempts");
  return out;
}

StoreCounts Store::counts(const std::string& destination) const {
  const auto found = known_.rows.find(destination);
  if (found == known_.rows.end()) return {};
  const States& rows = found->second;
  return {rows[0], rows[1], rows[2], rows[3], rows[4]};
}

StoreCounts Store::counts() const {
  StoreCounts all;
  for (const auto& [name, _] : known_.rows) {
    const StoreCounts one = counts(name);
    all.due += one.due;
    all.delivered += one.delivered;
    all.dead += one.dead;
    all.held += one.held;
    all.dropped += one.dropped;
  }
  return all;
}

std::vector<std::string> Store::destinations() const {
  std::vector<std::string> names;
  for (const auto& [name, _] : known_.rows) names.push_back(name);
  return names;
}

Result<std::optional<int64_t>> Store::oldest_waiting_us() {
  std::optional<int64_t> oldest;
  for (const char* const state : {"0", "3"}) {
    Statement statement =
        database_->prepare(std::string("SELECT created_us FROM outbox WHERE state IN (0, 2, 3) AND state = ") + state +
                           " ORDER BY number LIMIT 1");
    if (statement.row()) oldest = std::min(oldest.value_or(statement.integer(0)), statement.integer(0));
    if (statement.failed()) return database_->failure("reading rows");
  }
  return oldest;
}

}  // namespace omen
