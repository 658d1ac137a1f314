package omen.peers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** The one table: million events a second, and how many times a peer's rate Omen's is. Omen's figure is each row's first. */
final class Table {
  record Row(String title, boolean inMemory, List<Figure> figures) {}

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
    System.out.printf("%s.%nJava %s, ParallelGC. Million events a second; ×: Omen's rate by the peer's.%n%n", machine(),
        Runtime.version());
    StringBuilder head = new StringBuilder("| | |"), rule = new StringBuilder("|---|---|");
    for (int i = 0; i < names.size(); ++i) {
      head.append(" ").append(names.get(i)).append(i == 0 ? " |" : " | × |");
      rule.append(i == 0 ? "---|" : "---|---|");
    }
    System.out.println(head + " alerts |\n" + rule + "---|");
    for (Row row : rows) System.out.println(line(row));
    System.out.println();
    for (String note : notes) System.out.println(note);
    for (int i = 1; i < names.size(); ++i) System.out.println(names.get(i) + ": " + versionAndCores(i));
  }

  private String line(Row row) {
    Figure ours = row.figures.get(0);
    StringBuilder line = new StringBuilder(String.format("| %s | %s |", row.title, row.inMemory ? "in memory" : "file"));
    for (int i = 0; i < names.size(); ++i) {
      Figure figure = row.figures.get(i);
      if (figure.isMissing()) {
        line.append(" – | – |");
        note(names.get(i) + ", " + row.title + ": " + figure.problem() + ".");
        continue;
      }
      String mark = "";
      if (figure.events() < events) {
        mark = " *";
        note(String.format("* %s, %s: over the first %,d events.", names.get(i), row.title, figure.events()));
      }
      line.append(' ').append(rounded(figure.millionPerSecond())).append(mark).append(" |");
      if (i > 0) line.append(' ').append(rounded(ours.millionPerSecond() / figure.millionPerSecond())).append(" |");
    }
    return line + String.format(" %,d |", ours.alerts());
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
      Figure figure = row.figures.get(engine);
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
