package omen.peers;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A process that is given a limited time. */
final class Child {
  private final List<String> command;
  Path output, errors = Path.of("/dev/null");

  Child(List<String> command) {
    this.command = command;
  }

  /** What went wrong, or nothing. */
  String run(int limitSeconds) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command)
        .redirectInput(new File("/dev/null"))
        .redirectOutput(output.toFile())
        .redirectError(errors.toFile())
        .start();
    if (!process.waitFor(limitSeconds, TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor();
      return "did not finish in " + limitSeconds + " s";
    }
    return process.exitValue() == 0 ? null : "ended with status " + process.exitValue();
  }
}
