#include "runtime/serve/followed_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/io/clock.h"
#include "runtime/serve/line_framing.h"

namespace omen {
namespace {

constexpr size_t read_bytes = 256u << 10;

struct Position {
  uint64_t inode = 0, offset = 0;
};

Position read_position(const std::string& path) {
  Position position;
  std::ifstream file(path);
  if (!path.empty() && file >> position.inode >> position.offset) return position;
  return {};
}

// The writer's word, for the thread that waits for it.
struct Word {
  std::mutex mutex;
  std::condition_variable come;
  bool is_there = false;
  bool is_to_be_repeated = false;

  void give(bool repeat) {
    const std::lock_guard lock(mutex);
    is_there = true;
    is_to_be_repeated = repeat;
    come.notify_all();
  }
};

}  // namespace

struct FollowedFile::Inside {
  Intake& intake;
  const FollowOptions options;
  std::atomic<bool> is_stopping = false, is_over = false;
  int wake_fd = -1;
  std::thread thread;

  int fd = -1;
  Position position;   // behind what is durable
  uint64_t begin = 0;  // where `framing` began
  LineFraming framing;
  std::vector<char> buffer;

  Inside(Intake& into, FollowOptions own) : intake(into), options(std::move(own)), buffer(read_bytes) {}
  ~Inside() {
    if (fd > 0) close(fd);
    if (wake_fd >= 0) close(wake_fd);
  }

  bool is_stdin() const { return options.path == "-"; }

  // False: it is time to stop.
  bool rest(std::chrono::milliseconds time, int also = -1) {
    pollfd waiting[] = {{wake_fd, POLLIN, 0}, {also, POLLIN, 0}};
    poll(waiting, 2, also >= 0 ? -1 : static_cast<int>(time.count()));
    return !is_stopping;
  }

  void start_at(uint64_t offset) {
    framing = LineFraming();
    begin = position.offset = offset;
    if (!is_stdin()) lseek(fd, static_cast<off_t>(offset), SEEK_SET);
  }

  // The file of that name now. False: there is none (yet).
  bool open_file() {
    if (is_stdin()) {
      fd = 0;
      start_at(0);
      return true;
    }
    const int opened = open(options.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (opened < 0) return false;
    if (fd >= 0) close(fd);
    fd = opened;
    struct stat now = {};
    fstat(fd, &now);
    const Position noted = position.inode == 0 ? read_position(options.position_path) : Position();
    position.inode = now.st_ino;
    const bool goes_on = noted.inode == now.st_ino && noted.offset <= static_cast<uint64_t>(now.st_size);
    start_at(goes_on ? noted.offset : 0);
    return true;
  }

  void note_position() {
    position.offset = begin + framing.behind_lines();
    if (options.position_path.empty() || is_stdin()) return;
    const std::string temporary = options.position_path + ".new";
    std::ofstream file(temporary, std::ios::trunc);
    file << position.inode << ' ' << position.offset << '\n';
    file.close();
    if (!file || rename(temporary.c_str(), options.position_path.c_str()) != 0) {
      options.log(options.position_path + " cannot be written: after a restart lines would be read again");
    }
  }

  enum class Sent : uint8_t { kept, repeat, over };
  Sent send(Received&& received) {
    if (received.order.empty()) return Sent::kept;
    Batch batch;
    batch.events = std::move(received.lines);
    batch.count = received.count;
    batch.rejected = std::move(received.rejected);
    batch.source = is_stdin() ? "stdin" : options.path;
    batch.arrival_us = wall_clock_us();
    const auto word = std::make_shared<Word>();
    batch.done = [word](std::span<const EventOutcome> outcomes) {
      bool repeat = false;
      for (const EventOutcome& outcome : outcomes) repeat = repeat || outcome.is_to_be_repeated();
      word->give(repeat);
    };
    for (;;) {
      // NOLINTNEXTLINE(bugprone-use-after-move): the intake moves from it only when it takes it, and then we are done
      const size_t bytes = batch.bytes();
      const Intake::Answer answer = intake.offer(std::move(batch));
      if (answer == Intake::Answer::closing) return Sent::over;
      if (answer == Intake::Answer::taken) break;
      const auto room = std::make_shared<Word>();
      intake.when_room(bytes, [room] { room->give(false); });
      std::unique_lock lock(room->mutex);
      room->come.wait(lock, [&] { return room->is_there; });
    }
    std::unique_lock lock(word->mutex);
    while (!word->come.wait_for(lock, std::chrono::milliseconds(100), [&] { return word->is_there; })) {
      // The intake has been emptied by nobody: nothing will be heard of it.
      if (is_stopping && intake.is_closing()) return Sent::over;
    }
    return word->is_to_be_repeated ? Sent::repeat : Sent::kept;
  }

  // To the writer, again and again until it is taken. False: it is over. The lines of a file are read again for that;
  // of standard input they are kept.
  bool hand_over(Received&& received, bool& is_to_be_read_again) {
    Received kept = is_stdin() ? received : Received();
    for (;;) {
      const Sent sent = send(std::move(received));
      if (sent == Sent::over) return false;
      if (sent == Sent::kept) {
        note_position();
        return true;
      }
      if (!rest(options.retry_interval)) return false;
      if (!is_stdin()) {
        start_at(position.offset);
        is_to_be_read_again = true;
        return true;
      }
      received = kept;
    }
  }

  // Another file has taken the name. (Or it was cut: then it is read from its beginning.)
  bool has_moved_on() {
    struct stat named = {}, own = {};
    if (is_stdin() || fstat(fd, &own) != 0) return false;
    if (static_cast<uint64_t>(own.st_size) < static_cast<uint64_t>(lseek(fd, 0, SEEK_CUR))) {
      start_at(0);
      return false;
    }
    return stat(options.path.c_str(), &named) == 0 && (named.st_ino != own.st_ino || named.st_dev != own.st_dev);
  }

  void run() {
    bool is_new_one_there = false;
    while (!is_stopping) {
      if (fd < 0 && !open_file()) {
        if (!rest(options.look_interval)) break;
        continue;
      }
      if (is_stdin() && !rest({}, fd)) break;
      const ssize_t got = ::read(fd, buffer.data(), buffer.size());
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got < 0) {
        options.log(options.path + " cannot be read: " + std::strerror(errno));
        if (is_stdin() || !rest(options.retry_interval)) break;
        continue;
      }
      Received received;
      bool is_to_be_read_again = false;
      if (got > 0) {
        framing.put({buffer.data(), static_cast<size_t>(got)}, received);
        if (!hand_over(std::move(received), is_to_be_read_again)) break;
        continue;
      }
      if (is_stdin() || is_new_one_there) {  // the end of what there is of it: its last line may lack its end
        framing.finish(received);
        if (!hand_over(std::move(received), is_to_be_read_again) || is_stdin()) break;
        if (is_to_be_read_again) continue;
        is_new_one_there = false;
        position.inode = ~0ull;  // what was noted is of the old one
        if (!open_file() && !rest(options.look_interval)) break;
        continue;
      }
      // Once more to its end, for what came before the name was given away.
      is_new_one_there = has_moved_on();
      if (!is_new_one_there && !rest(options.look_interval)) break;
    }
    is_over = true;
  }
};

FollowedFile::FollowedFile(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
FollowedFile::~FollowedFile() { stop(); }

Result<std::unique_ptr<FollowedFile>> FollowedFile::start(Intake& intake, FollowOptions options) {
  auto inside = std::make_unique<Inside>(intake, std::move(options));
  inside->wake_fd = eventfd(0, EFD_CLOEXEC);
  if (!inside->open_file() && errno != ENOENT) {
    return Status::error(inside->options.path + " cannot be read: " + std::strerror(errno));
  }
  inside->thread = std::thread([own = inside.get()] { own->run(); });
  return std::unique_ptr<FollowedFile>(new FollowedFile(std::move(inside)));
}

void FollowedFile::stop() {
  if (!inside_->thread.joinable()) return;
  inside_->is_stopping = true;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(inside_->wake_fd, &one, sizeof one);
  inside_->thread.join();
}

bool FollowedFile::is_over() const { return inside_->is_over; }

}  // namespace omen
