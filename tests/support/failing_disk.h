// FailingDisk: a VFS over SQLite's own whose writes and syncs fail from the n-th one on, until it is mended. It syncs
// nothing: tests of power cuts need another one. Without shared memory: who keeps the lock needs none.
#pragma once

namespace omen {

class FailingDisk {
 public:
  static constexpr const char* name = "omen-failing";  // of the VFS, which is there after the first instance()

  static FailingDisk& instance();
  void fail_after(int calls, int code) {
    left_ = calls;
    code_ = code;
    has_failed_ = false;
  }
  void mend() { code_ = 0; }
  bool has_failed() const { return has_failed_; }

 private:
  FailingDisk();
  friend struct FailingFile;
  int next();

  int left_ = 0;
  int code_ = 0;  // of SQLite
  bool has_failed_ = false;
};

}  // namespace omen
