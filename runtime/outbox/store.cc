// Opening, the schema, transactions, and what is kept by name. Rows are in store_rows.cc.
#include "runtime/outbox/store.h"

#include <array>
#include <fstream>

#include "runtime/outbox/check_sum.h"
#include "runtime/outbox/database.h"

namespace omen {
namespace {

constexpr uint32_t schema_version = 1;
constexpr uint32_t application_id = 0x4F6D656E;  // "Omen"

// Small columns first: SQLite reads a row from its beginning, and bodies may fill pages of their own.
constexpr const char* schema = R"(
CREATE TABLE outbox(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  state INTEGER NOT NULL, attempts INTEGER NOT NULL, next_us INTEGER NOT NULL, first_us INTEGER NOT NULL,
  last_us INTEGER NOT NULL, last_status INTEGER NOT NULL, last_error TEXT NOT NULL, progress_check INTEGER NOT NULL,
  id TEXT NOT NULL, destination TEXT NOT NULL, alert TEXT NOT NULL, rule TEXT NOT NULL, severity TEXT NOT NULL,
  key TEXT NOT NULL, is_record INTEGER NOT NULL, end_us INTEGER NOT NULL, sequence INTEGER NOT NULL,
  created_us INTEGER NOT NULL, message_check INTEGER NOT NULL,
  title TEXT NOT NULL, text TEXT NOT NULL, body TEXT NOT NULL,
  UNIQUE(id, destination));
CREATE INDEX outbox_due ON outbox(destination, next_us, number) WHERE state = 0;
CREATE INDEX outbox_open ON outbox(state, number) WHERE state IN (0, 2, 3);
CREATE INDEX outbox_rule ON outbox(rule, number);
CREATE INDEX outbox_key ON outbox(key, number);
CREATE TABLE attempts(
  number INTEGER NOT NULL, begun_us INTEGER NOT NULL, took_us INTEGER NOT NULL, verdict INTEGER NOT NULL,
  status INTEGER NOT NULL, error TEXT NOT NULL);
CREATE INDEX attempts_number ON attempts(number);
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL, value_check INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE rules(path TEXT PRIMARY KEY, text TEXT NOT NULL, text_check INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE holds(destination TEXT PRIMARY KEY, reason TEXT NOT NULL, since_us INTEGER NOT NULL) WITHOUT ROWID;
)";

// Of the file's header: its place is part of SQLite's format (https://www.sqlite.org/fileformat2.html, 1.3).
struct Header {
  uint32_t version = 0, application = 0;
};
std::optional<Header> read_header(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::array<unsigned char, 100> bytes{};
  if (!in.read(reinterpret_cast<char*>(bytes.data()), bytes.size())) return std::nullopt;
  const auto number = [&](size_t at) {
    return uint32_t{bytes[at]} << 24 | uint32_t{bytes[at + 1]} << 16 | uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
  };
  return Header{number(60), number(68)};
}

Status made_by_newer(const std::string& path, uint64_t version) {
  return Status::error(path + " is of version " + std::to_string(version) + ", and this Omen reads up to version " +
                       std::to_string(schema_version) + ": start the newer Omen; nothing was changed");
}

StoreFault fault_of(Database::Fault fault) {
  switch (fault) {
    case Database::Fault::none:
      return StoreFault::none;
    case Database::Fault::full:
      return StoreFault::full;
    case Database::Fault::locked:
      return StoreFault::locked;
    default:
      return StoreFault::broken;
  }
}

}  // namespace

Store::Store(std::unique_ptr<Database> database, StoreOptions options)
    : database_(std::move(database)), options_(std::move(options)) {}
Store::~Store() { abandon(); }

StoreFault Store::fault() const { return fault_of(database_->fault()); }

Result<std::unique_ptr<Store>> Store::open(const std::string& path, const StoreOptions& options, StoreFault* fault) {
  StoreFault unused;
  StoreFault& why = fault == nullptr ? unused : *fault;
  why = StoreFault::none;
  if (const auto header = read_header(path)) {
    if (header->application != application_id && header->application != 0) {
      why = StoreFault::broken;
      return Status::error(path + " is no store of Omen: remove it, or name another folder");
    }
    if (header->version > schema_version) {
      why = StoreFault::newer;
      return made_by_newer(path, header->version);
    }
  }
  auto opened = Database::open(path, options.vfs, 0);
  if (!opened) {
    why = StoreFault::broken;
    return Status::error(opened.message());
  }
  std::unique_ptr<Store> store(new Store(std::move(opened.value()), options));
  if (Status status = store->prepare(); !status) {
    why = store->fault();
    if (why == StoreFault::none) why = StoreFault::newer;
    store->database_->leave_untouched();
    if (why == StoreFault::locked) {
      return Status::error(path + " is in use by another process: stop it, or name another folder");
    }
    return status;
  }
  return store;
}

Status Store::prepare() {
  // The lock first, for good: then nobody else can come between what follows.
  if (Status status = database_->execute("PRAGMA locking_mode=EXCLUSIVE; BEGIN IMMEDIATE; COMMIT;"); !status) {
    return status;
  }
  int64_t version = 0;
  {
    Statement statement = database_->prepare("PRAGMA user_version");
    if (!statement.row()) return database_->failure("reading its version");
    version = statement.integer(0);
  }
  if (version > schema_version) return made_by_newer("the store", static_cast<uint64_t>(version));
  if (Status status = database_->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
                                         "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-16000; "
                                         "PRAGMA temp_store=MEMORY");
      !status) {
    return status;
  }
  database_->checkpoint_every(options_.checkpoint_pages);
  if (Status status = database_->rewrite_wal(); !status) return status;
  if (version == 0) {
    if (Status status = make_schema(); !status) return status;
  } else {
    Statement check = database_->prepare("PRAGMA quick_check(1)");
    if (!check.row()) return database_->failure("quick_check");
    if (check.text(0) != "ok") return database_->broken("is damaged: " + check.text(0));
  }
  return read_known();
}

// In one transaction: a file that has a version has all that belongs to it.
Status Store::make_schema() {
  if (Status status = begin(); !status) return status;
  const std::string made = std::string(schema) + "PRAGMA application_id=" + std::to_string(application_id) +
                           "; PRAGMA user_version=" + std::to_string(schema_version);
  if (Status status = database_->execute(made); !status) return status;
  if (Status status = write_meta("made_by", options_.omen_version); !status) return status;
  if (Status status = write_meta("watermark", "0"); !status) return status;
  if (Status status = write_meta("epoch", "0"); !status) return status;
  if (Status status = commit(0, 0); !status) return status;
  return checkpoint();  // so that the version stands in the file itself
}

Status Store::read_known() {
  known_ = Known();
  for (const auto& [name, number] : {std::pair{"watermark", &known_.watermark}, std::pair{"epoch", &known_.epoch}}) {
    auto value = meta(name);
    if (!value) return Status::error(value.message());
    if (!value.value() || value.value()->empty()) return database_->broken(std::string(name) + " is missing");
    *number = std::stoull(*value.value());  // digits: the checksum says that it is what was written
  }
  {
    Statement statement = database_->prepare("SELECT destination, reason FROM holds");
    while (statement.row()) known_.holds[statement.text(0)] = statement.text(1);
    if (statement.failed()) return database_->failure("reading holds");
  }
  Statement statement = database_->prepare("SELECT destination, state, count(*) FROM outbox GROUP BY 1, 2");
  while (statement.row()) {
    const int64_t state = statement.integer(1);
    if (state < 0 || state > 4) return database_->broken("a row has a state that there is not");
    known_.rows[statement.text(0)][static_cast<size_t>(state)] = static_cast<uint64_t>(statement.integer(2));
  }
  if (statement.failed()) return database_->failure("counting rows");
  committed_ = known_;
  return Status::ok();
}

Status Store::begin() {
  OMEN_ASSERT(!is_open_);
  // Behind the last commit that SQLite finds in a WAL, frames of later ones may stand that a power cut has torn. It
  // goes on in front of them with the same salts: where what it writes is the same page, or half of it is lost, they
  // would be commits again. So might one of this process that has failed. A WAL that begins anew has other salts.
  if (!is_wal_new_) {
    if (Status status = checkpoint(); !status) return status;
  }
  if (!database_->prepare("BEGIN IMMEDIATE").run()) return database_->failure("begin");
  is_open_ = true;
  return Status::ok();
}

Status Store::commit(uint64_t watermark, uint64_t synced) {
  OMEN_ASSERT(is_open_);
  OMEN_ASSERT(watermark <= synced);
  OMEN_ASSERT(watermark >= committed_.watermark);
  if (watermark != committed_.watermark) {
    if (Status status = write_meta("watermark", std::to_string(watermark)); !status) return status;
  }
  if (!database_->prepare("COMMIT").run()) {
    is_wal_new_ = false;  // some of its frames may stand there
    return database_->failure("commit");
  }
  is_open_ = false;
  ++commits_;
  known_.watermark = watermark;
  committed_ = known_;
  return Status::ok();
}

void Store::abandon() {
  if (!is_open_) return;
  ++abandons_;
  // SQLite has rolled back by itself after some faults.
  if (database_->is_in_transaction()) (void)database_->prepare("ROLLBACK").run();
  is_open_ = false;
  known_ = committed_;
}

Status Store::checkpoint() {
  OMEN_ASSERT(!is_open_);
  Status status = database_->checkpoint();
  if (status) is_wal_new_ = true;
  return status;
}

Status Store::write_meta(const std::string& name, const std::string& value) {
  OMEN_ASSERT(is_open_);
  Statement statement = database_->prepare("INSERT OR REPLACE INTO meta(name, value, value_check) VALUES(?, ?, ?)");
  statement.bind(name).bind(value).bind(CheckSum().add(name).add(value).value());
  return statement.run() ? Status::ok() : database_->failure("writing " + name);
}

Status Store::set_meta(const std::string& name, const std::string& value) {
  OMEN_ASSERT(name != "watermark" && name != "epoch");
  return write_meta(name, value);
}

Status Store::set_epoch(uint64_t epoch) {
  if (Status status = write_meta("epoch", std::to_string(epoch)); !status) return status;
  known_.epoch = epoch;
  return Status::ok();
}

Result<std::optional<std::string>> Store::meta(const std::string& name) {
  Statement statement = database_->prepare("SELECT value, value_check FROM meta WHERE name = ?");
  statement.bind(name);
  if (!statement.row()) {
    if (statement.failed()) return database_->failure("reading " + name);
    return std::optional<std::string>();
  }
  std::string value = statement.text(0);
  if (statement.integer(1) != CheckSum().add(name).add(value).value()) {
    return database_->broken("is damaged: the checksum of " + name + " does not fit");
  }
  return std::optional<std::string>(std::move(value));
}

Status Store::set_rules(const std::map<std::string, std::string>& texts) {
  OMEN_ASSERT(is_open_);
  if (!database_->prepare("DELETE FROM rules").run()) return database_->failure("writing rules");
  for (const auto& [path, text] : texts) {
    Statement statement = database_->prepare("INSERT INTO rules(path, text, text_check) VALUES(?, ?, ?)");
    statement.bind(path).bind(text).bind(CheckSum().add(path).add(text).value());
    if (!statement.run()) return database_->failure("writing rules");
  }
  return Status::ok();
}

Result<std::map<std::string, std::string>> Store::rules() {
  std::map<std::string, std::string> out;
  Statement statement = database_->prepare("SELECT path, text, text_check FROM rules");
  while (statement.row()) {
    std::string path = statement.text(0), text = statement.text(1);
    if (statement.integer(2) != CheckSum().add(path).add(text).value()) {
      return database_->broken("is damaged: the checksum of the rules " + path + " does not fit");
    }
    out.emplace(std::move(path), std::move(text));
  }
  if (statement.failed()) return database_->failure("reading rules");
  return out;
}

}  // namespace omen
