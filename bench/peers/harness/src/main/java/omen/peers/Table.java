package omen.peers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * The one table: million events a second, and how many times a peer's rate Omen's is over the same events. An engine that would
 * take too long has the beginning of the stream only, which is said below.
 */
final class Table {
  /** A peer's figure, and Omen's over as many events. */
  record Pair(Figure ours, Figure peer) {}

  record Row(String title, boolean inMemory, Figure ours, List<Pair> pairs) {}

  private final List<String> names;
  private final List<Row> rows;
  private final long events;
  private final List<String> notes = new ArrayList<>();

  Table(List<String> names, List<Row> rows, long events) {
    this.names = names;
    this.rows = rows;
    this.events = events;
  }

  void print() throws IOException {
    System.out.printf("%s.%nJava %s, ParallelGC. Million events a second; ×: Omen's rate by the peer's over the same events;%n"
        + "× cpu: likewise by processor time, of all threads.%n%n",
        machine(), Runtime.version());
    StringBuilder head = new StringBuilder("| | | Omen |"), rule = new StringBuilder("|---|---|---|");
    for (String name : names) {
      head.append(" ").append(name).append(" | × | × cpu |");
      rule.append("---|---|---|");
    }
    System.out.println(head + " alerts |\n" + rule + "---|");
    for (Row row : rows) System.out.println(line(row));
    System.out.println();
    for (String note : notes) System.out.println(note);
    for (int i = 0; i < names.size(); ++i) System.out.println(names.get(i) + ": " + versionAndCores(i));
  }

  private String line(Row row) {
    StringBuilder line = new StringBuilder(String.format("| %s | %s | %s |", row.title, row.inMemory ? "in memory" : "file",
        rate("Omen", row, row.ours)));
    for (int i = 0; i < names.size(); ++i) {
      Figure peer = row.pairs.get(i).peer(), ours = row.pairs.get(i).ours();
      line.append(' ').append(rate(names.get(i), row, peer)).append(" | ");
      line.append(peer.isMissing() ? "– | – |" : rounded((double) peer.nanos() / ours.nanos()) + " | "
          + rounded((double) peer.cpuNanos() / ours.cpuNanos()) + " |");
    }
    return line + String.format(" %,d |", row.ours.alerts());
  }

  private String rate(String name, Row row, Figure figure) {
    if (figure.isMissing()) {
      note(String.format("%s, %s: %s.", name, row.title, figure.problem()));
      return "–";
    }
    if (figure.events() == events) return rounded(figure.millionPerSecond());
    note(String.format("* %s, %s, %s: over the first %,d events.", name, row.title, row.inMemory ? "in memory" : "file",
        figure.events()));
    return rounded(figure.millionPerSecond()) + " *";
  }

  private void note(String text) {
    if (!notes.contains(text)) notes.add(text);
  }

  // Two digits that say something.
  private static String rounded(double value) {
    if (value >= 10) return String.format("%,.0f", value);
    return String.format(value >= 1 ? "%.1f" : value >= 0.1 ? "%.2f" : value >= 0.01 ? "%.3f" : "%.4f", value);
  }

  private String versionAndCores(int engine) {
    TreeSet<String> versions = new TreeSet<>();
    TreeSet<Double> cores = new TreeSet<>();
    for (Row row : rows) {
      Figure figure = row.pairs.get(engine).peer();
      if (figure.isMissing()) continue;
      versions.add(figure.version());
      cores.add(figure.cores());
    }
    if (versions.isEmpty()) return "not measured.";
    return String.format("%s, %.1f to %.1f cores busy.", String.join(", ", versions), cores.first(), cores.last());
  }

  private static String machine() throws IOException {
    String model = "unknown processor";
    for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
      if (line.startsWith("model name")) model = line.substring(line.indexOf(':') + 1).strip();
    }
    return model + ", " + Runtime.getRuntime().availableProcessors() + " cores";
  }
}
