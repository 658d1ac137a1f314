// Rules that change, and snapshots that are written, while the stream goes on: what came between the moment a state was
// saved and the one at which it is in force is in it, for the service and for whoever plays its log.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <vector>

#include "runtime/log/snapshot_file.h"
#include "tests/support/running_service.h"

namespace omen {
namespace {

using Texts = std::vector<std::string>;

// Which takes its time for each piece that is read, and counts them.
class SlowFile : public File {
 public:
  SlowFile(std::unique_ptr<File> file, std::atomic<int>& pieces) : file_(std::move(file)), pieces_(pieces) {}
  DiskStatus read(uint64_t offset, char* out, size_t size, size_t& got) override {
    ++pieces_;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return file_->read(offset, out, size, got);
  }
  DiskStatus write(uint64_t offset, std::string_view bytes) override { return file_->write(offset, bytes); }
  DiskStatus sync() override { return file_->sync(); }
  DiskStatus truncate(uint64_t size) override { return file_->truncate(size); }
  DiskStatus size(uint64_t& bytes) override { return file_->size(bytes); }

 private:
  const std::unique_ptr<File> file_;
  std::atomic<int>& pieces_;
};

// The operating system's; who opens a snapshot waits until he may.
class HeldDisk : public Disk {
 public:
  std::atomic<bool> is_held = false, is_slow = false;
  std::atomic<int> waiting = 0, pieces = 0;

  DiskStatus open(const std::string& path, OpenMode mode, std::unique_ptr<File>& file) override {
    const bool is_snapshot = mode == OpenMode::read && path.find("/snap-") != std::string::npos;
    if (is_snapshot && is_held) {
      ++waiting;
      is_held.wait(true);
    }
    const DiskStatus opened = real_disk().open(path, mode, file);
    if (is_snapshot && is_slow && opened) file = std::make_unique<SlowFile>(std::move(file), pieces);
    return opened;
  }
  DiskStatus rename(const std::string& from, const std::string& to) override { return real_disk().rename(from, to); }
  DiskStatus unlink(const std::string& path) override { return real_disk().unlink(path); }
  DiskStatus list(const std::string& folder, std::vector<std::string>& names) override {
    return real_disk().list(folder, names);
  }
  DiskStatus make_folder(const std::string& path) override { return real_disk().make_folder(path); }
  DiskStatus sync_folder(const std::string& path) override { return real_disk().sync_folder(path); }

  void release() {
    is_held = false;
    is_held.notify_all();
  }
};

const RuleFile kept{
    "k.omen", "rule k {\n  by u\n  match a -> b\n  overlap latest\n  emit x { u: u, n: 1 }\n  alert \"k {u}\"\n}\n"};
const RuleFile added{"n.omen", "rule n {\n  by u\n  match x -> c\n  alert \"n {u}\"\n}\n"};
const RuleFile paused{"p.omen", "rule p {\n  by u\n  match c\n  alert \"p {u}\"\n}\n"};

Texts stream(int from, int to) {
  Texts lines;
  for (int i = from; i < to; ++i) {
    lines.push_back(event(std::string(1, "abcd"[i % 4]), "u" + std::to_string(i / 4 % 7 * (i % 3)), i));
  }
  return lines;
}

// Of all rows of the outbox.
Texts listed(Running& omen, std::string Message::*member) {
  Texts out;
  for (const Message& message : omen.messages()) out.push_back(message.*member);
  return out;
}

}  // namespace

TEST_CASE("service: what comes while rules are on their way is in their state, and recovery comes to the same") {
  for (const uint32_t shards : {1, 3}) {
    ServiceOptions options;
    options.pipeline.shards = shards;
    Texts undisturbed;
    {
      Running omen("omen-service-undisturbed");
      omen.start({{kept, added, paused}, {}}, options);
      omen.feed(stream(0, 300));
      undisturbed = listed(omen, &Message::text);
    }
    HeldDisk disk;
    options.disk = &disk;
    options.aside_from_bytes = 0;     // it goes by snapshots, too
    options.last_snapshot_bytes = 0;  // the newest snapshots are those of the change
    Running omen("omen-service-coming");
    omen.start({{kept, paused}, {}}, options);
    omen.feed(stream(0, 100));
    disk.is_held = true;
    std::promise<Result<std::vector<RuleChange>>> promise;
    omen.service->ask([&](Service& one) {
      one.change_rules({{kept, added, paused}, {}}, [&](auto done) { promise.set_value(std::move(done)); });
    });
    while (disk.waiting == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    omen.feed(stream(100, 150));
    CHECK(omen.ask([](Service& one) { return one.pause("p", true); }));
    CHECK(omen.ask([](Service& one) { return one.program().rules.size(); }) == 2);  // of before
    omen.feed(stream(150, 200));
    disk.release();
    const auto changes = promise.get_future().get();
    REQUIRE_MESSAGE(changes, changes.message());
    CHECK(omen.ask([](Service& one) { return one.rules().is_paused("p"); }));
    CHECK(omen.ask([](Service& one) { return one.pause("p", false); }));
    omen.feed(stream(200, 300));
    while (omen.service->view()->snapshots < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const Texts texts = listed(omen, &Message::text);
    const auto rows = listed(omen, &Message::body);
    // Of the new rule all that it would have raised from the change on; of the paused one nothing while it was paused.
    const auto of = [](const Texts& all, char rule) {
      Texts out;
      for (const std::string& text : all) {
        if (text[0] == rule) out.push_back(text);
      }
      return out;
    };
    CHECK(of(texts, 'k') == of(undisturbed, 'k'));
    const Texts n = of(texts, 'n'), all_n = of(undisturbed, 'n');
    REQUIRE(n.size() > 5);
    REQUIRE(n.size() < all_n.size());
    CHECK(std::equal(n.rbegin(), n.rend(), all_n.rbegin()));
    CHECK(of(texts, 'p').size() < of(undisturbed, 'p').size());
    omen.end();

    // From the snapshot that the change went on from: the log says what comes next.
    const auto snapshots = list_snapshots(disk, omen.data + "/snapshots").value();
    REQUIRE(snapshots.size() == 2);
    fs::remove(omen.data + "/snapshots/" + snapshot_name(snapshots[1]));
    options.disk = nullptr;
    omen.start({{kept, added, paused}, {}}, options);
    CHECK(listed(omen, &Message::body) == rows);
    omen.end();
    omen.forget_all_but_the_log();
    omen.start({{kept, added, paused}, {}}, options);
    CHECK(listed(omen, &Message::body) == rows);
  }
}

TEST_CASE("service: a large state is written by a copy of the process while events are taken") {
  Running omen("omen-service-aside");
  ServiceOptions options;
  options.aside_from_bytes = 0;
  options.snapshot_records = 50;
  const RuleSet rules{{kept, added}, {}};
  omen.start(rules, options);
  fs::create_directories(omen.data + "/snapshots");
  const std::string left = omen.data + "/snapshots/snap-00000000000000000007.new";  // by a copy that was killed
  std::ofstream(left) << "half";
  omen.feed(stream(0, 200));
  while (omen.service->view()->snapshots == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  REQUIRE(omen.change({{kept, added, paused}, {}}));
  omen.feed(stream(200, 300));
  REQUIRE(omen.change(rules));
  omen.feed(stream(300, 400));
  const auto rows = listed(omen, &Message::body);
  omen.end();
  CHECK(omen.said.empty());
  CHECK_FALSE(fs::exists(left));
  const auto snapshots = list_snapshots(real_disk(), omen.data + "/snapshots").value();
  CHECK(snapshots.size() == 2);
  omen.start(rules, options);
  CHECK(listed(omen, &Message::body) == rows);
  omen.end();
  omen.forget_all_but_the_log();
  omen.start(rules, options);
  CHECK(listed(omen, &Message::body) == rows);
}

TEST_CASE("service: a change of rules that is given up leaves a note in the log that nothing comes of") {
  HeldDisk disk;
  ServiceOptions options;
  options.disk = &disk;
  options.aside_from_bytes = 0;
  options.last_snapshot_bytes = 0;
  Running omen("omen-service-given-up");
  omen.start({{kept}, {}}, options);
  omen.feed(stream(0, 100));
  disk.is_held = true;
  const std::string path = (fs::temp_directory_path() / "omen-service-given-up.csv").string();
  std::ofstream(path) << "id,tier\nu1,gold\n";
  const RuleFile looks{"t.omen", "table vip = csv { path: \"" + path +
                                     "\" } key id\nrule t { by u match a as x alert \"{vip[u].tier}\" }\n"};
  omen.service->ask([&](Service& one) { one.change_rules({{kept, added, looks}, {}}, [](const auto&) {}); });
  while (disk.waiting == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  omen.feed(stream(100, 150));
  const auto rows = listed(omen, &Message::body);
  std::thread ending([&] { omen.end(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  disk.release();
  ending.join();
  fs::remove(path);
  fs::remove_all(omen.data + "/tables");  // the note names rows that nobody has kept
  omen.start({{kept}, {}}, options);
  CHECK(listed(omen, &Message::body) == rows);
  omen.end();
  omen.forget_all_but_the_log();
  omen.start({{kept}, {}});
  CHECK(listed(omen, &Message::body) == rows);
  CHECK(omen.ask([](Service& one) { return one.program().rules.size(); }) == 1);
}

TEST_CASE("service: a stop does not wait until a large state is loaded for rules that are on their way") {
  HeldDisk disk;
  ServiceOptions options;
  options.disk = &disk;
  options.aside_from_bytes = 0;
  options.last_snapshot_bytes = 0;
  Running omen("omen-service-stop-loading");
  omen.start({{kept}, {}}, options);
  constexpr int megabytes = 12;
  for (int i = 0; i < megabytes; ++i) {
    std::string large = event("a", "u" + std::to_string(i), i);
    large.insert(large.size() - 1, ",\"pad\":\"" + std::string(1'000'000, 'x') + "\"");
    omen.feed({large});
  }
  disk.is_slow = true;
  omen.service->ask([&](Service& one) { one.change_rules({{kept, added}, {}}, [](const auto&) {}); });
  while (disk.pieces == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  omen.end();
  CHECK(disk.pieces < megabytes);
}

}  // namespace omen
