// FollowedFile: a file as it grows, or standard input, as a source of a running service; a thread of its own.
//
//   read what there is -> whole lines -> to the writer, and wait for its word -> note how far -> read on
//   at the end of the file: has another taken its name (rotation)? then the rest of the old one, and the new one from
//   its beginning; is it shorter than it was (copytruncate)? then from its beginning; otherwise wait a moment
//
// How far it has been read is kept in `position_path` (inode and offset), so a restart goes on there. It is written
// after the events are durable: should the machine end between the two, the last lines are read again (--dedupe
// recognises them by their ids). Lines that the service cannot take now (a full disk) are read again until it can.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "runtime/model/status.h"
#include "runtime/serve/intake.h"

namespace omen {

struct FollowOptions {
  std::string path;                                // "-": standard input, to its end
  std::string position_path;                       // empty: from the beginning each time
  std::chrono::milliseconds look_interval{200};    // for what has been added
  std::chrono::milliseconds retry_interval{1000};  // after the service could not take lines
  std::function<void(const std::string& line)> log = [](const std::string&) {};
};

class FollowedFile {
 public:
  // A file that is not there yet is waited for; one that is there and cannot be read is an error.
  static Result<std::unique_ptr<FollowedFile>> start(Intake& intake, FollowOptions options);
  // stop().
  ~FollowedFile();

  // What is with the writer is waited for, so the writer must still be at work, or the intake closed and emptied.
  void stop();
  // Standard input has been read to its end, or the intake is closed.
  bool is_over() const;

  struct Inside;

 private:
  explicit FollowedFile(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace omen
