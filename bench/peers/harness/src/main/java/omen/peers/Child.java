package omen.peers;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A process that is given a limited time. */
final class Child {
  private final List<String> command;
  private long cpuNanos = 0;
  Path output, errors = Path.of("/dev/null");

  Child(List<String> command) {
    this.command = command;
  }

  /** What went wrong, or nothing. */
  String run(int limitSeconds) throws IOException, InterruptedException {
    long cpuBegin = cpuOfChildrenNanos();
    Process process = new ProcessBuilder(command)
        .redirectInput(new File("/dev/null"))
        .redirectOutput(output.toFile())
        .redirectError(errors.toFile())
        .start();
    if (!process.waitFor(limitSeconds, TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor();
      return "did not finish in " + limitSeconds + " s";
    }
    cpuNanos = cpuOfChildrenNanos() - cpuBegin;
    return process.exitValue() == 0 ? null : "ended with status " + process.exitValue();
  }

  /** To a hundredth of a second. */
  long cpuNanos() {
    return cpuNanos;
  }

  // cutime and cstime of this process, which are of children that have ended: fields 16 and 17 of proc(5), in hundredths.
  private static long cpuOfChildrenNanos() throws IOException {
    String stat = Files.readString(Path.of("/proc/self/stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" "); // from the third on
    return (Long.parseLong(fields[13]) + Long.parseLong(fields[14])) * 10_000_000;
  }
}
