// Aside: what a copy of the process does, and how it ends.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "runtime/serve/aside.h"

namespace omen {
namespace {

namespace fs = std::filesystem;

Status wait(Aside& aside) {
  for (;;) {
    if (const auto ended = aside.ended()) return *ended;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::string file_text(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("aside: the copy has the memory of the moment it was made, and what it does there is its own") {
  const fs::path path = fs::temp_directory_path() / "omen-aside-memory";
  fs::remove(path);
  int number = 1;
  Aside aside;
  CHECK_FALSE(aside.is_under_way());
  CHECK_FALSE(aside.ended());
  REQUIRE(aside.begin([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::ofstream(path) << number;
    number = 3;
    return Status::ok();
  }));
  CHECK(aside.is_under_way());
  number = 2;
  CHECK(wait(aside));
  CHECK_FALSE(aside.is_under_way());
  CHECK_FALSE(aside.ended());
  CHECK(file_text(path) == "1");
  CHECK(number == 2);
  fs::remove(path);
}

TEST_CASE("aside: a copy that is to wait has the memory of its beginning, and does nothing until it is told") {
  const fs::path path = fs::temp_directory_path() / "omen-aside-told";
  fs::remove(path);
  int number = 1;
  Aside aside;
  const auto work = [&] { return std::ofstream(path) << number, Status::ok(); };
  REQUIRE(aside.begin(work, Aside::Start::when_told));
  number = 2;
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK_FALSE(aside.ended());
  CHECK_FALSE(fs::exists(path));
  aside.go_on();
  CHECK(wait(aside));
  CHECK(file_text(path) == "1");
  REQUIRE(aside.begin(work, Aside::Start::when_told));
  aside.stop();
  CHECK(file_text(path) == "1");
  fs::remove(path);
}

TEST_CASE("aside: what went wrong is told, also when the copy is killed") {
  Aside aside;
  REQUIRE(aside.begin([] { return Status::error("the disk is full"); }));
  CHECK(wait(aside).message() == "the disk is full");
  REQUIRE(aside.begin([] { return Status::error(std::string(10'000, 'x')); }));
  CHECK(wait(aside).message() == std::string(4'095, 'x'));
  REQUIRE(aside.begin([]() -> Status { raise(SIGKILL), abort(); }));
  CHECK(wait(aside).message() == "the copy of the process was ended by signal 9");
}

TEST_CASE("aside: when memory ends, the kernel takes the copy before whoever began it") {
  const auto score = [] { return file_text("/proc/self/oom_score_adj"); };
  const std::string before = score();
  Aside aside;
  REQUIRE(aside.begin([&] { return Status::error(score()); }));
  CHECK(wait(aside).message() == "1000\n");
  CHECK(score() == before);
}

// As whoever starts the process may leave it: then the kernel says nothing of how a copy has ended.
TEST_CASE("aside: what the copy has come to is known where SIGCHLD is ignored, too") {
  const auto before = signal(SIGCHLD, SIG_IGN);
  Aside aside;
  REQUIRE(aside.begin([] { return Status::ok(); }));
  CHECK(wait(aside));
  REQUIRE(aside.begin([] { return Status::error("the disk is full"); }));
  CHECK(wait(aside).message() == "the disk is full");
  REQUIRE(aside.begin([]() -> Status { raise(SIGKILL), abort(); }));
  CHECK(wait(aside).message() == "the copy of the process has failed");
  REQUIRE(aside.begin([] { return std::this_thread::sleep_for(std::chrono::hours(1)), Status::ok(); }));
  aside.stop();
  CHECK_FALSE(aside.is_under_way());
  signal(SIGCHLD, before);
}

TEST_CASE("aside: the copy has no descriptors, hears no signals but the last, and ends with whoever began it") {
  const fs::path path = fs::temp_directory_path() / "omen-aside-open";
  const int open_file = fcntl(STDERR_FILENO, F_DUPFD, 50);
  Aside aside;
  REQUIRE(aside.begin([&] {
    raise(SIGTERM);
    return fcntl(open_file, F_GETFD) < 0 && fcntl(STDERR_FILENO, F_GETFD) >= 0 ? Status::ok() : Status::error("open");
  }));
  CHECK(wait(aside).message() == "");
  CHECK(fcntl(open_file, F_GETFD) >= 0);
  ::close(open_file);

  fs::remove(path);
  {
    Aside long_one;
    REQUIRE(long_one.begin([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      std::ofstream(path) << "late";
      return Status::ok();
    }));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  CHECK_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace omen
